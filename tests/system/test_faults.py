"""Faults of the set-up, at the proxy and below HTTP, in the same run of several arms."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.locust_command import LocustCommand, assert_all_gone, lines, schema

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

BOUND_S = 2.0
TAU_S = 9.0

Fates = dict[tuple[str, str], list[dict[str, Any]]]


def by_arm_and_fault(folder: Path, records: list[dict[str, Any]]) -> Fates:
    """The calls of each arm that met each fault, `none` for those that were spared."""
    rooms = {line["call_id"]: line["room"] for line in lines(folder / "room-events.jsonl") if line["call_id"]}
    faults = lines(folder / "faults.jsonl")
    for line in faults:
        jsonschema.validate(line, schema("faults"))
    met = {line["room"]: line["kind"] for line in faults}
    assert len(met) == len(faults), "a set-up was written down twice"
    found: Fates = defaultdict(list)
    for record in records:
        found[record["arm"], met.get(rooms[record["call_id"]], "none")].append(record)
    return found


def rang_s(record: dict[str, Any]) -> float:
    """Seconds from the first ring to the answer."""
    assert record["outcome"] == "answered", record
    return float(record["answered_s"] - record["ringing_s"])


def test_each_arm_meets_every_fault_in_its_share_and_fares_as_its_kind_does(
    locust_command: LocustCommand,
) -> None:
    """Of four set-ups one is silent, one meets a blackhole, one 503; the report explains what was lost."""
    locust_command.start(
        *(
            "--arms",
            "unbounded,bounded,deferred",
            "--filter-fault",
            "silent:0.25+blackhole:0.25+http-503:0.25",
        ),
        *("--calls", "12", "--calls-per-second", "0.75", "--arrivals", "constant", "--warm-up", "0"),
        *("--hold", "2", "--ring-timeout", str(TAU_S), "--bound", str(BOUND_S), "--seed", "3"),
        *("--livekit-sip", "embedded", "--no-report"),
    )
    _, output = locust_command.end(timeout_s=250)
    folder = locust_command.folder()

    assert_all_gone(locust_command.relatives())
    assert "Traceback" not in output
    fates = by_arm_and_fault(folder, locust_command.records())
    assert {fate: len(calls) for fate, calls in fates.items()} == {
        (arm, kind): 1
        for arm in ("unbounded", "bounded", "deferred")
        for kind in ("silent", "blackhole", "http-503", "none")
    }
    for kind in ("silent", "blackhole"):
        assert fates["unbounded", kind][0]["outcome"] == "unanswered"
        assert BOUND_S <= rang_s(fates["bounded", kind][0]) < TAU_S
        assert rang_s(fates["deferred", kind][0]) < TAU_S
    for arm in ("unbounded", "bounded", "deferred"):
        assert rang_s(fates[arm, "http-503"][0]) < TAU_S
        assert rang_s(fates[arm, "none"][0]) < TAU_S
    summary = json.loads((folder / "summary.json").read_text())
    assert {entry["arm"]: entry["predicted_not_answered"] for entry in summary["prediction"]} == {
        "unbounded": 2,
        "bounded": 0,
        "deferred": 0,
    }
    assert all(entry["agrees"] for entry in summary["prediction"])
    switches = lines(folder / "fault-switches.jsonl")
    for line in switches:
        jsonschema.validate(line, schema("fault-switches"))
    assert len(switches) == 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_vendors_filter_fares_as_it_was_measured_to(locust_command: LocustCommand) -> None:
    """0.2.6 holds its calls for ever, for the bound behind a bound, and 0.3.2 holds none."""
    locust_command.start(
        *("--arms", "vendor-0.2.6,vendor-0.2.6-bounded,vendor-0.3.2", "--filter-fault", "silent"),
        *("--calls", "3", "--calls-per-second", "0.5", "--arrivals", "constant", "--warm-up", "0"),
        *("--hold", "2", "--ring-timeout", str(TAU_S), "--bound", str(BOUND_S), "--no-report"),
        *("--livekit-sip", "embedded"),
    )
    locust_command.end(timeout_s=550)
    fates = by_arm_and_fault(locust_command.folder(), locust_command.records())

    assert fates["vendor-0-2-6", "silent"][0]["outcome"] == "unanswered"
    assert BOUND_S <= rang_s(fates["vendor-0-2-6-bounded", "silent"][0]) < TAU_S
    assert rang_s(fates["vendor-0-3-2", "silent"][0]) < BOUND_S


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_blackhole_holds_an_unbounded_call_until_linux_gives_up(locust_command: LocustCommand) -> None:
    """With a caller who lets it ring, about 135 s; the bounded arm is answered after its bound."""
    locust_command.start(
        *("--arms", "unbounded,bounded", "--filter-fault", "blackhole", "--ring-timeout", "170"),
        *("--calls", "2", "--calls-per-second", "0.5", "--arrivals", "constant", "--warm-up", "0"),
        *("--hold", "2", "--livekit-sip", "embedded"),
    )
    locust_command.end(timeout_s=380)
    fates = by_arm_and_fault(locust_command.folder(), locust_command.records())
    held = {line["arm"]: line["held_s"] for line in lines(locust_command.folder() / "faults.jsonl")}

    assert 127 < rang_s(fates["unbounded", "blackhole"][0]) < 145
    assert 5 <= rang_s(fates["bounded", "blackhole"][0]) < 15
    assert 127 < held["unbounded"] < 145
