"""The dose: quantiles, meters, and the lines that are written of them."""

import json
from pathlib import Path

import jsonschema
import pytest

from network import language
from network.dose import Histogram, Journal, LegDose, asked_loss
from network.leg import links
from network.profile import Direction, Leg, Traffic
from network.topology import caller

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "network.json").read_text())
RTP_BYTES = 200


def test_quantiles_are_within_a_tenth_of_the_times_counted() -> None:
    """From a microsecond to seconds, and at the ends of the scale."""
    histogram = Histogram()
    for turn in range(1, 1001):
        histogram.add(turn * 1e-4)
    assert histogram.quantile_s(0.5) == pytest.approx(0.05, rel=0.11)
    assert histogram.quantile_s(0.99) == pytest.approx(0.099, rel=0.11)
    histogram.add(1e9)
    assert histogram.quantile_s(1.0) == pytest.approx(4.0, rel=0.2)


def test_nothing_counted_has_no_quantile() -> None:
    """A second without packets says null."""
    assert Histogram().in_ms() == {"p50": None, "p99": None, "p999": None}


def test_a_line_says_what_was_asked_for_and_what_was_delivered_since_the_last(tmp_path: Path) -> None:
    """Counts and delays begin anew with each line, profile by profile."""
    profiles = [language.load("burst-loss-5"), language.load("g114-150")]
    dose = LegDose(Leg.CALLER, links(Leg.CALLER, profiles, seed=1))
    journal = Journal(tmp_path / "network.jsonl")
    delivered = 0
    for second in range(2):
        for turn in range(50):
            at_s = second + turn * 0.02
            number, link = dose.links.of(caller(3).packed) or pytest.fail("a caller has a link")
            for due_s in link.up.release(at_s, RTP_BYTES, "voice", Traffic.MEDIA):
                dose.meters[number][Direction.UP].add(at_s, due_s, due_s + 0.001)
                delivered += 1
        journal.write(list(dose.take(second + 1.0)), unix=1e9, at_s=second + 1.0)
    lines = [json.loads(line) for line in (tmp_path / "network.jsonl").read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    assert [(line["profile"], line["direction"], line["offered"]) for line in lines] == [
        ("burst-loss-5", "up", 50),
        ("burst-loss-5", "up", 50),
    ]
    assert sum(line["delivered"] for line in lines) == delivered
    assert sum(line["delivered"] + line["lost"] for line in lines) == 100
    assert lines[0]["asked_loss"] == 0.05
    assert lines[0]["delay_ms"] == pytest.approx(
        {"asked_mean": 30, "asked_deviation": 0, "mean": 31, "deviation": 0}, abs=0.01
    )
    assert lines[0]["late_ms"]["p99"] == pytest.approx(1, rel=0.11)


def test_each_near_end_has_its_link_and_a_stranger_none() -> None:
    """Callers of the second profile's block are under the second profile; a shared link is one."""
    shared = language.parse('title = "A"\nsource = "B"\nscope = "shared"', name="shared", origin="shared")
    found = links(Leg.CALLER, [language.load("clean"), shared], seed=1)
    own = [found.of(caller(number).packed) for number in (0, 1)]
    both = [found.of(caller(number, profile=1).packed) for number in (0, 1)]
    assert [each and each[0] for each in (*own, *both)] == [0, 0, 1, 1]
    assert own[0]
    assert own[1]
    assert own[0][1] is not own[1][1]
    assert both[0]
    assert both[1]
    assert both[0][1] is both[1][1]
    assert found.of(caller(0, profile=2).packed) is None
    assert found.of(bytes(4)) is None
    assert links(Leg.AGENT, [shared], seed=1).of(bytes((198, 19, 0, 1))) is not None


def test_a_window_shorter_than_a_second_has_its_part_in_what_was_asked() -> None:
    """150 ms of 50 % from 7.5 s on make 7.5 % of the eighth second, however the second's end is met."""
    starlink = language.load("starlink")
    assert asked_loss(starlink, Direction.UP, 8.0) == pytest.approx(0.075)
    assert asked_loss(starlink, Direction.UP, 7.6) == pytest.approx(0.05)
    assert asked_loss(starlink, Direction.UP, 9.0) == 0
    assert asked_loss(starlink, Direction.UP, 0.0) == 0
