"""Run folders whole, damaged and foreign."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.errors import BrokenFileError, NewerFormatError, NotARunFolderError
from analysis.load import load
from analysis.run import Run
from analysis.summary import summarise

SCHEMAS = Path(__file__).parents[2] / "schemas"
WriteRun = Callable[..., Path]


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_synthetic_run_is_valid_under_the_schemas(write_run: WriteRun) -> None:
    """What these tests read is what the load side is bound to write."""
    jsonschema = pytest.importorskip("jsonschema")
    folder = write_run()
    jsonschema.validate(
        json.loads((folder / "run.json").read_text()), json.loads((SCHEMAS / "run.json").read_text())
    )
    for name in ("calls", "health", "room-events", "faults", "agent-events", "trunk-calls"):
        validator = jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text()))
        for path in folder.glob(f"{name}*.jsonl"):
            for line in path.read_text().splitlines():
                validator.validate(json.loads(line))


def test_every_call_is_joined_to_its_room(make_run: Callable[..., Run]) -> None:
    """By the attribute on the caller's events each call gets its room, and by the room its agent's times."""
    calls = make_run().calls
    assert calls["room"].notna().all()
    assert calls["agent_joined_unix"].notna().all()
    assert (calls["agent_joined_unix"] > calls["sip_joined_unix"]).all()


def test_times_of_two_workers_meet_on_the_masters_clock(write_run: WriteRun) -> None:
    """A worker whose wall clock is 5 s ahead and says so has its calls at the same master times."""
    folder = write_run(workers=("1", "2"))
    before = load(folder).calls.set_index("call_id")["due_at_s"]
    path = folder / "calls-2.jsonl"
    header, rest = path.read_text().split("\n", 1)
    moved = json.loads(header)
    moved |= {"unix": moved["unix"] + 5.0, "master_offset_s": 5.0, "master_offset_error_s": 0.002}
    path.write_text(json.dumps(moved) + "\n" + rest)
    run = load(folder)
    after = run.calls.set_index("call_id")["due_at_s"]
    assert np.allclose(before, after.loc[before.index])
    assert run.worker_clock_error_s == 0.002


def test_the_observers_offset_is_taken_off(write_run: WriteRun) -> None:
    """With the room clock 3 s ahead every room time moves back by 3 s."""
    folder = write_run()
    before = load(folder).calls["agent_joined_unix"]
    _edit(folder / "run.json", room_clock={"offset_s": 3.0, "error_s": 0.001})
    assert np.allclose(load(folder).calls["agent_joined_unix"], before - 3.0)


def test_a_line_that_was_cut_is_left_out_and_counted(write_run: WriteRun) -> None:
    """Half a last line costs that call only, and its file is not whole."""
    folder = write_run()
    path = folder / "calls-1.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]) + "\n" + lines[-2][:40])
    run = load(folder)
    assert len(run.calls) == 63
    assert run.files[0].cut_lines == 1
    assert not run.files[0].whole


@pytest.mark.parametrize(
    "name",
    ["room-events.jsonl", "agent-events.jsonl", "trunk-calls.jsonl", "faults.jsonl", "health-1.jsonl"],
)
def test_lines_of_another_file_that_were_cut_are_left_out_and_said(write_run: WriteRun, name: str) -> None:
    """A line that was cut within, and one that does not say what it must; the lines around them are read."""
    folder = write_run()
    path = folder / name
    first, *rest = path.read_text().splitlines(keepends=True)
    path.write_text(first + first[:20] + "\n[]\n" + "".join(rest))
    run = load(folder)
    assert run.unreadable == {name: 2}
    assert f"2 lines of {name} cannot be read and are left out." in summarise(run).warnings
    path.write_text(first + "".join(rest))
    assert load(folder).calls.equals(run.calls)


def test_a_file_without_its_closing_line_is_not_whole(write_run: WriteRun) -> None:
    """A worker that was killed leaves its calls readable and its file open."""
    folder = write_run()
    path = folder / "calls-1.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    run = load(folder)
    assert len(run.calls) == 64
    assert not run.files[0].closed


def test_a_missing_worker_file_is_counted(write_run: WriteRun) -> None:
    """A worker that was to write and left nothing is named."""
    folder = write_run(workers=("1", "2"))
    (folder / "calls-2.jsonl").unlink()
    missing = [file.worker for file in load(folder).files if file.missing]
    assert missing == ["2"]


def test_a_repeated_call_id_is_counted_once(write_run: WriteRun) -> None:
    """A record written twice is kept once and counted as a duplicate."""
    folder = write_run()
    path = folder / "calls-1.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:5], lines[4], *lines[5:]]) + "\n")
    run = load(folder)
    assert (len(run.calls), run.duplicates) == (64, 1)


def test_a_newer_format_is_refused(write_run: WriteRun) -> None:
    """A run of a later version is not guessed at."""
    folder = write_run()
    _edit(folder / "run.json", format=2)
    with pytest.raises(NewerFormatError, match="format 2 and this version reads up to 1: update"):
        load(folder)


def test_a_newer_calls_file_is_refused(write_run: WriteRun) -> None:
    """Nor is a file of records in a later format."""
    folder = write_run()
    path = folder / "calls-1.jsonl"
    path.write_text(path.read_text().replace('"format": 1', '"format": 9', 1))
    with pytest.raises(NewerFormatError, match="format 9"):
        load(folder)


def test_what_is_no_run_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """No folder, an empty folder, and a run.json that is no JSON each say what is wrong."""
    with pytest.raises(NotARunFolderError, match="There is no folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(NotARunFolderError, match=r"holds no run\.json"):
        load(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(BrokenFileError, match="cannot be read as JSON"):
        load(tmp_path)
    (tmp_path / "run.json").write_text('{"format": 1}')
    with pytest.raises(BrokenFileError, match="does not hold what a run must"):
        load(tmp_path)


def test_a_link_to_a_run_is_a_run(write_run: WriteRun, tmp_path: Path) -> None:
    """`runs/latest` is read like the folder it leads to."""
    link = tmp_path / "latest"
    link.symlink_to(write_run())
    assert len(load(link).calls) == 64


def test_a_run_without_a_call_is_read(make_run: Callable[..., Run]) -> None:
    """No call gives an empty table with all columns."""
    run = make_run(calls=0, warm_up=0)
    assert run.calls.empty
    assert run.counted().empty
