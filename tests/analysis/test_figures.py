"""Figures that hold what they show, the same bytes every time, and survive runs with little in them."""

import re
from collections.abc import Callable

import pytest

from analysis.exhibit import LOOKS, Exhibit
from analysis.figures import foretold, time_line, waiting_curves
from analysis.prediction import predictions
from analysis.run import Run
from analysis.stages import where_time_went


def _all(run: Run) -> list[Exhibit]:
    return [waiting_curves(run), time_line(run), where_time_went(run), foretold(run, predictions(run))]


def test_the_same_run_gives_the_same_bytes(make_run: Callable[..., Run]) -> None:
    """No date, no random id: a figure drawn twice is one figure."""
    run = make_run()
    assert [exhibit.svg() for exhibit in _all(run)] == [exhibit.svg() for exhibit in _all(run)]


@pytest.mark.parametrize(
    "fields",
    [
        {"calls": 0, "warm_up": 0},
        {"calls": 1},
        {"stalled_share": 1.0, "arms": (("a", "unbounded"), ("b", "unbounded"))},
        {"observed": False, "media": False},
        {"arms": (("default", "none"),)},
        {"outcomes": {0: "overloaded", 1: "agent_failed"}},
    ],
)
def test_a_run_with_little_in_it_can_be_drawn(
    make_run: Callable[..., Run], fields: dict[str, object]
) -> None:
    """No call, one call, none answered, nothing observed, one arm: each is drawn without a warning."""
    for exhibit in _all(make_run(**fields)):
        assert exhibit.svg().startswith(b"<?xml")


def test_a_picture_is_described_in_words(make_run: Callable[..., Run]) -> None:
    """The alternative text names the arms and their numbers."""
    assert "unbounded: 30 % never answered" in waiting_curves(make_run()).alt


def test_arms_differ_in_colour_dash_and_marker() -> None:
    """Any one of the three tells arms apart, so a grey print does."""
    assert len({look.colour for look in LOOKS}) == len(LOOKS)
    assert len({look.dash for look in LOOKS}) == len(LOOKS)
    assert len({look.marker for look in LOOKS}) == len(LOOKS)


@pytest.mark.parametrize("colour", [look.colour for look in LOOKS])
def test_every_arms_colour_stands_out_from_white(colour: str) -> None:
    """Contrast by WCAG 2's formula is at least 3 : 1."""
    parts = [int(pair, 16) / 255 for pair in re.findall("..", colour[1:])]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) >= 3
