"""The locust command on an answering side of known capacity."""

import json
import os
import signal
from pathlib import Path

import jsonschema
import pytest

from sip.answering_process import Answering
from tests.locust_command import LocustCommand, assert_all_gone, lines, schema, wait_until

pytestmark = pytest.mark.system

FILE = "locustfiles/capacity.py"
BUSY = ("not_valid", "not_valid")  # the tester was late: what a machine must say of itself
NUMBERS = ("--numbers", "new=+15550100001", "--seed", "1", "--no-report", "--hold", "0.5")


def test_a_smoke_test_passes_what_answers_and_leaves_its_step(locust_command: LocustCommand) -> None:
    """59 clean calls, judged by the search gate; a machine that is busy with other things must say so."""
    with Answering(["--ring", "0.05"]) as far_end:
        locust_command.start(
            "--trunk", far_end.trunk.uri, *NUMBERS, "--smoke", "--calls-per-second", "20", locustfile=FILE
        )
        code, output = locust_command.end()
    folder = locust_command.folder()
    run = json.loads((folder / "run.json").read_text())
    jsonschema.validate(run, schema("run"))
    (step,) = lines(folder / "steps.jsonl")
    jsonschema.validate(step, schema("steps"))
    assert (step["phase"], step["calls"], step["warm_up"]) == ("smoke", 61, 2)
    assert [(each["n"], each["bad"]) for each in step["criteria"]] == [(59, 0), (59, 0)]
    summary = json.loads((folder / "summary.json").read_text())
    jsonschema.validate(summary, schema("summary"))
    assert code == summary["exit_code"], output
    assert (summary["verdict"], step["decision"]) in (("passed", "passed"), BUSY)
    assert_all_gone(locust_command.relatives())


def test_a_smoke_test_fails_what_does_not_answer(locust_command: LocustCommand) -> None:
    """Half of the calls are refused after a ring, which no haste of the tester's can explain away."""
    with Answering(["--ring", "0.05", "--busy-share", "0.5"]) as far_end:
        locust_command.start(
            "--trunk", far_end.trunk.uri, *NUMBERS, "--smoke", "--calls-per-second", "20", locustfile=FILE
        )
        code, output = locust_command.end()
    (step,) = lines(locust_command.folder() / "steps.jsonl")
    summary = json.loads((locust_command.folder() / "summary.json").read_text())
    assert code == summary["exit_code"], output
    assert (summary["verdict"], step["decision"]) in (("failed", "failed"), BUSY)
    assert 15 <= step["criteria"][0]["bad"] <= 45


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_search_that_was_interrupted_goes_on_to_the_knee_that_the_trunk_has(
    locust_command: LocustCommand, tmp_path: Path
) -> None:
    """One call in 0.25 s in the mean: 95 % wait for less than 3 s up to 3 calls a second (M/M/1)."""
    arguments = ["--ring", "0.25", "--at-once", "1", "--service", "exponential"]
    gates = ("--gates", "not_answered<=0.05,ring_to_answer_p95_s<=3", "--calls", "60")
    with Answering(arguments, log=tmp_path / "answering.log") as far_end:
        options = ("--trunk", far_end.trunk.uri, *NUMBERS, "--calls-per-second", "1.5", *gates)
        locust_command.start(*options, locustfile=FILE)
        locust_command.wait_for("bracket of new")
        wait_until(lambda: bool(lines(locust_command.folder() / "health-0.jsonl")))
        os.killpg(locust_command.process.pid, signal.SIGINT)
        code, output = locust_command.end()
        assert code == 130, output
        folder = locust_command.folder()
        assert lines(folder / "steps.jsonl")[-1]["decision"] == "cut"

        locust_command.start("--resume", str(folder), locustfile=FILE)
        code, output = locust_command.end(500)
    assert code == 0, output
    assert locust_command.folder() == folder
    (knee,) = json.loads((folder / "summary.json").read_text())["capacity"]["knees"]
    assert knee["low"] <= 3.0 <= knee["high"]
    numbers = [
        line["call_id"] for path in folder.glob("calls-*.jsonl") for line in lines(path) if "call_id" in line
    ]
    assert len(numbers) == len(set(numbers))
    assert json.loads((folder / "run.json").read_text())["workers"] == ["0", "1"]
    assert_all_gone(locust_command.relatives())
