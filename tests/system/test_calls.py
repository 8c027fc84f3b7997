"""The main job, whole: the lab called under both arms with some set-ups stalled, and the report of it."""

import json
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.locust_command import LocustCommand, assert_all_gone, lines, schema, wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

BOUND_S = 2.0
TAU_S = 9.0
HOLD_S = 2.0
_CONNECTED = re.compile(r"connected to room \S+ in ([\d.]+) s")


def stalled_calls(folder: Path) -> set[str]:
    """The calls whose filter set-up the settings proxy left unanswered, by way of their rooms."""
    rooms = {line["room"]: line["call_id"] for line in lines(folder / "room-events.jsonl") if line["call_id"]}
    return {rooms[line["room"]] for line in lines(folder / "faults.jsonl")}


def test_the_defect_and_its_cure_are_seen_from_the_caller_s_side(locust_command: LocustCommand) -> None:
    """`unbounded` leaves its stalled calls ringing, `bounded` answers all, and the files agree."""
    locust_command.start(
        *("--calls", "8", "--calls-per-second", "0.75", "--arrivals", "constant", "--warm-up", "0"),
        *("--hold", str(HOLD_S), "--ring-timeout", str(TAU_S), "--bound", str(BOUND_S), "--seed", "3"),
        *("--filter-fault", "silent:0.5", "--livekit-sip", "embedded", "--gates", "not_answered<=0.6"),
    )
    code, output = locust_command.end(timeout_s=200)
    folder = locust_command.folder()

    assert_all_gone(locust_command.relatives())
    assert "Traceback" not in output
    records = {record["call_id"]: record for record in locust_command.records()}
    stalled = stalled_calls(folder)
    assert Counter(records[call_id]["arm"] for call_id in stalled) == {"unbounded": 2, "bounded": 2}
    for call_id, record in records.items():
        _check_call(record, stalled=call_id in stalled)
    _check_other_clocks(folder, records, stalled)
    summary = _check_folder(folder)
    assert summary["exit_code"] == code
    for name, arm in summary["arms"].items():
        answered = [r for r in records.values() if r["arm"] == name and r["outcome"] == "answered"]
        assert (arm["calls"], arm["answered"]) == (4, len(answered))
    assert summary["sentence"] in (folder / "report.html").read_text()
    assert summary["sentence"] in output


def _check_call(record: dict[str, Any], *, stalled: bool) -> None:
    """A call's fate follows from its arm and from whether its set-up was stalled."""
    if stalled and record["arm"] == "unbounded":
        assert record["outcome"] == "unanswered"
        assert record["sip_status"] == 487
        assert record["cancel_s"] - record["ringing_s"] >= TAU_S
    else:
        assert record["outcome"] == "answered"
        rang_s = record["answered_s"] - record["ringing_s"]
        assert (rang_s >= BOUND_S) if stalled else (rang_s < TAU_S)
        assert record["first_audio_s"] is not None
        assert record["bye_s"] - record["answered_s"] >= HOLD_S
        assert record["bye_answered_s"] is not None
        assert record["rtp"]["received"] > 0


def _check_other_clocks(folder: Path, records: dict[str, dict[str, Any]], stalled: set[str]) -> None:
    """Of every call the agent's span and its log tell the same, and the trunk's log what the caller saw."""
    rooms = {line["call_id"]: line["room"] for line in lines(folder / "room-events.jsonl") if line["call_id"]}
    told = lines(folder / "agent-events.jsonl")
    began = {
        line["room"] for line in told if (line["event"], line["name"]) == ("span_started", "room_connect")
    }
    spans_s = {line["room"]: line["duration_s"] for line in told if line["connected"]}
    logged_s = {
        line["room"]: float(said[1]) for line in told if (said := _CONNECTED.search(line["text"] or ""))
    }
    trunk = {line["sip_call_id"]: line for line in lines(folder / "trunk-calls.jsonl")}
    for call_id, record in records.items():
        room, seen = rooms[call_id], trunk[record["sip_call_id"]]
        assert room in began
        if record["outcome"] == "answered":
            # The log's figure is taken a few statements after the span's, by a process that is niced.
            assert spans_s[room] - 0.001 <= logged_s[room] < spans_s[room] + 0.5
            assert (spans_s[room] >= BOUND_S) == (call_id in stalled)
            rang_s = record["answered_s"] - record["ringing_s"]
            assert abs(rang_s - (seen["answered_s"] - seen["ringing_s"])) < 0.5
        else:
            assert room not in spans_s
            assert seen["answered_s"] is None


def _check_folder(folder: Path) -> dict[str, Any]:
    """Every file is there and valid; the summary."""
    for name in ("calls-0", "health-0", "room-events", "faults", "agent-events", "trunk-calls"):
        for line in lines(folder / f"{name}.jsonl"):
            jsonschema.validate(line, schema(name.removesuffix("-0")))
    jsonschema.validate(json.loads((folder / "run.json").read_text()), schema("run"))
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    jsonschema.validate(summary, schema("summary"))
    assert (folder / "summary.md").is_file()
    assert (folder / "junit.xml").is_file()
    secret_bearers = [path for path in folder.rglob("*") if path.is_file() and b"eyJ" in path.read_bytes()]
    assert not secret_bearers, "a token was written"
    return summary


def test_ctrl_c_while_the_lab_comes_up_leaves_nothing_behind(locust_command: LocustCommand) -> None:
    """No call was made, the exit code is 130, and every process of the lab is gone."""
    locust_command.start("--calls", "2", "--arms", "none")
    locust_command.wait_for("waiting for the agents")
    relatives = locust_command.relatives()

    locust_command.process.send_signal(signal.SIGINT)
    code, output = locust_command.end()

    assert code == 130, output
    assert_all_gone(relatives)
    assert_all_gone(locust_command.relatives())


def test_a_killed_tester_takes_the_lab_with_it(locust_command: LocustCommand) -> None:
    """SIGKILL of the locust process: the lab sees its standard input end and goes."""
    locust_command.start("--calls", "2", "--arms", "none")
    locust_command.wait_for("waiting for the agents")
    relatives = locust_command.relatives()

    locust_command.process.kill()

    assert_all_gone(relatives, within_s=30)


def test_a_part_of_the_lab_that_dies_ends_the_run_with_its_name(locust_command: LocustCommand) -> None:
    """The calls made so far are kept, and the sentence names the part and its log."""
    locust_command.start(
        *("--calls", "1000", "--hold", "60", "--arms", "none", "--livekit-sip", "embedded", "--no-report")
    )
    locust_command.wait_for("Placing")
    calls = locust_command.folder() / "health-0.jsonl"
    wait_until(lambda: any(line["calls_up"] > 0 for line in lines(calls)))
    server = next(p for p in locust_command.relatives() if p.name().startswith("livekit-server"))

    server.kill()
    code, output = locust_command.end()

    assert code == 1, output
    assert "livekit-server was ended by SIGKILL" in output
    assert json.loads((locust_command.folder() / "run.json").read_text())["state"] == "cut"
    assert locust_command.records()
    assert_all_gone(locust_command.relatives())
