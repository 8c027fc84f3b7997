"""The benchmark of the call engine: a short measurement for real, and how a load is read."""

import json
import math
import subprocess
import sys

import pytest

from benchmarks.placed import Load, Placed
from sip.media import Media
from tests.locust_command import ROOT


def record(outcome: str = "answered", invite_s: float | None = 1.0) -> dict[str, object]:
    """A call that was due at 1 s."""
    return {"outcome": outcome, "due_s": 1.0, "invite_s": invite_s}


def test_a_rate_is_kept_where_all_calls_were_answered_and_left_in_time() -> None:
    """One call in a hundred may leave late, none may be lost."""
    in_time = [record()] * 99

    assert Placed([*in_time, record(invite_s=1.2)], [], None).kept
    assert not Placed([*in_time, record(invite_s=1.2)] + [record(invite_s=1.2)] * 3, [], None).kept
    assert not Placed([*in_time, record("no_response")], [], None).kept


def test_a_call_that_was_never_made_is_later_than_all() -> None:
    """It has no time to be read."""
    assert Placed([record("tester_failed", None)], [], None).dial_lag_p99_s == math.inf


def test_what_processes_of_one_load_used_and_held_is_added_up() -> None:
    """Each Locust process has a health file of its own."""
    first = {"processes": [{"cpu_share": 0.5}, {"cpu_share": 0.25}], "calls_up": 7, "restarts": 1}
    second = {"processes": [{"cpu_share": 1.0}], "calls_up": 5, "restarts": 0}
    placed = Placed([], [[{**first, "loop_lag_s": 0.01}], [{**second, "loop_lag_s": None}]], None)

    assert (placed.cpu_s, placed.calls_up, placed.restarts) == (1.75, 12, 1)
    assert placed.loop_lag_p99_s == 0.01


def test_a_load_is_a_command_of_the_tester_itself() -> None:
    """Its warm-up takes time as well."""
    load = Load(port=5060, calls=40, warm_up=20, calls_per_second=10, hold_s=2, media=Media.NONE, processes=2)

    assert load.seconds == 8
    assert "--media none" in " ".join(load.command(ROOT))
    assert "--processes 2" in " ".join(load.command(ROOT))


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_measurement_is_one_line_of_json() -> None:
    """Calls with audio are up at once, and what they took is known."""
    command = [sys.executable, "-m", "benchmarks", "engine", "--calls", "8", "--seconds", "1", "--step", "0"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=140)
    (line,) = [json.loads(line) for line in ended.stdout.splitlines()]

    assert (line["benchmark"], line["calls"], line["lost"], line["restarts"]) == ("engine", 8, 0, 0)
    assert line["memory_mb"] > 0
    assert line["cpu_ms_per_call_s"] > 0
    assert line["media"] == "pump"
    assert line["rtp_received_share"] > 0
    assert line["media_cps"] is None
