"""Figures that hold what they show, the same bytes every time, and survive runs with little in them."""

import re
from collections.abc import Callable

import pytest

from analysis.by_network import answered_within, opinions, waiting_by_network
from analysis.exhibit import LOOKS, Exhibit
from analysis.figures import foretold, time_line, waiting_curves
from analysis.greeting import greeting_curves
from analysis.prediction import predictions
from analysis.run import Run
from analysis.stages import EDGE, where_time_went
from analysis.summary import summarise
from analysis.waterfall import SIDES


def _all(run: Run) -> list[Exhibit]:
    summary = summarise(run)
    drawn = [
        waiting_curves(run),
        time_line(run),
        where_time_went(run),
        foretold(run, predictions(run)),
        greeting_curves(run),
        opinions(run, summary),
    ]
    if not run.counted().empty:
        drawn += [waiting_by_network(run), answered_within(run, summary)]
    return [exhibit for exhibit in drawn if exhibit is not None]


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
        {"networks": ("clean", "wifi-congested", "g114-150", "burst-loss-5"), "calls": 24},
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


CARDS = {"light": (1.0, 1.0, 1.0), "dark": (0x1B / 255, 0x21 / 255, 0x28 / 255)}
MARKS = sorted({look.colour for look in LOOKS} | {colour for colour, _ in SIDES.values()} | {EDGE})


def _dark(rgb: tuple[float, ...]) -> tuple[float, ...]:
    """What the page's filter makes of a colour: invert(0.9), then hue-rotate(180deg) by its SVG matrix."""
    r, g, b = (0.9 - 0.8 * part for part in rgb)
    rows = (-0.574, 1.43, 0.144), (0.426, 0.43, 0.144), (0.426, 1.43, -0.856)
    return tuple(min(1.0, max(0.0, x * r + y * g + z * b)) for x, y, z in rows)


def _luminance(rgb: tuple[float, ...]) -> float:
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("scheme", CARDS)
@pytest.mark.parametrize("colour", MARKS)
def test_every_mark_stands_out_from_its_card(colour: str, scheme: str) -> None:
    """Contrast by WCAG 2.1 (1.4.11) is at least 3 : 1, on the light page and on the dark one."""
    rgb = tuple(int(pair, 16) / 255 for pair in re.findall("..", colour[1:]))
    drawn = rgb if scheme == "light" else _dark(rgb)
    darker, lighter = sorted((_luminance(drawn), _luminance(CARDS[scheme])))
    assert (lighter + 0.05) / (darker + 0.05) >= 3
