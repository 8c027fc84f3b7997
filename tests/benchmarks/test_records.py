"""The benchmarks of records and reports: a truthful run, and one small measurement of each."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from analysis.load import load
from benchmarks.errors import BenchmarkError
from benchmarks.synthetic_run import write_run
from benchmarks.taken import taken_by
from sip.outcome import Outcome

ROOT = Path(__file__).parents[2]


def _measured(*arguments: str) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=110)
    (line,) = [json.loads(line) for line in ended.stdout.splitlines()]
    return dict(line)


def test_a_synthetic_run_is_whole_valid_under_the_schemas_and_knows_every_outcome(tmp_path: Path) -> None:
    """What is measured on it is what a real run of that size would take."""
    written = write_run(tmp_path / "run", 2000, seed=1, rooms=True)
    for name in ("run", "calls", "health", "room-events"):
        schema = json.loads((ROOT / "schemas" / f"{name}.json").read_text())
        validator = jsonschema.Draft202012Validator(schema)
        for path in (tmp_path / "run").glob(f"{name}*.json*"):
            lines = [path.read_text()] if name == "run" else path.read_text().splitlines()[:50]
            for line in lines:
                validator.validate(json.loads(line))
    run = load(tmp_path / "run")
    assert all(file.whole for file in run.files)
    assert set(run.calls["outcome"]) == set(Outcome)
    assert run.calls.loc[run.calls["answered"], "agent_connect_s"].notna().all()
    assert (len(run.calls), written.records) == (2000, 2000)


def test_the_same_seed_makes_the_same_records(tmp_path: Path) -> None:
    """Two measurements are of the same run."""
    for name in ("one", "two"):
        write_run(tmp_path / name, 50, seed=3, rooms=False)
    one, two = ((tmp_path / name / "calls-0.jsonl").read_bytes() for name in ("one", "two"))
    assert one == two


def test_what_a_command_takes_is_its_own_and_its_childrens() -> None:
    """50 MB in a child and 50 MB in itself are 100 MB at least, for as long as both are there."""
    child = "import sys; held = bytearray(50_000_000); print(flush=True); sys.stdin.read()"
    parent = (
        "import subprocess, sys, time; held = bytearray(50_000_000)\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=-1, stdout=-1)\n"
        "child.stdout.readline(); time.sleep(1); child.communicate(b''); print('done')"
    )
    taken = taken_by([sys.executable, "-c", parent, child])
    assert taken.output == "done\n"
    assert 100 <= taken.memory_mb < 200


def test_a_command_that_fails_is_one_sentence_with_its_last_words() -> None:
    """Whoever measures learns what went wrong, and gets no figure."""
    with pytest.raises(BenchmarkError, match="ended with 1: no such run"):
        taken_by([sys.executable, "-c", "raise SystemExit('no such run')"])


@pytest.mark.slow
def test_a_small_measurement_of_each_has_all_its_figures() -> None:
    """One line of JSON with what was written, read and reported, peers beside it."""
    records = _measured("records", "--records", "2000", "--rooms")
    assert records["records"] == 2000
    assert all(records[name] for name in ("write_s", "load_s", "memory_mb", "pandas_read_json_s"))
    report = _measured("report", "--records", "1000")
    assert all(report[name] for name in ("summary_s", "report_s", "memory_mb"))
    assert 100_000 < int(str(report["html_bytes"])) <= 2_000_000
