"""The tester's own state is written once a second, with the worst lateness of that second."""

import json
import time
from pathlib import Path

import jsonschema

from sip.fake_phone import FakeClock, FakePhone, FarEnd
from sip.health import Health
from sip.record import HealthFile

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "health.json").read_text())


def test_a_line_holds_the_largest_lateness_since_the_last_one(tmp_path: Path) -> None:
    """Early wake-ups are no lateness, and each line begins anew."""
    with HealthFile(tmp_path, "0") as file:
        health = Health(file, FakePhone(FakeClock(), lambda _: FarEnd()))
        now_s = time.monotonic()

        for late_s in (0.002, 0.03, -5.0):
            health.late(late_s)
        health.write(now_s + 1, calls_up=3, dropped_dials=1)
        health.write(now_s + 2, calls_up=2, dropped_dials=1)

    lines = [json.loads(line) for line in (tmp_path / "health-0.jsonl").read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    assert [line["loop_lag_s"] for line in lines] == [0.03, 0.0]
    assert [line["calls_up"] for line in lines] == [3, 2]
    assert lines[0]["processes"][0]["name"] == "locust"


def test_a_line_is_due_after_a_second(tmp_path: Path) -> None:
    """Not before, and again a second after the last."""
    with HealthFile(tmp_path, "0") as file:
        health = Health(file, FakePhone(FakeClock(), lambda _: FarEnd()))
        now_s = time.monotonic()

        assert not health.due(now_s)
        assert health.due(now_s + 1.01)
        health.write(now_s + 1.01, calls_up=0, dropped_dials=0)
        assert not health.due(now_s + 2)
