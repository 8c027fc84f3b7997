"""A profile over the time of a run."""

import math

import pytest

from network.impairment import Impairment
from network.profile import Direction, Profile, Selection, Traffic, Window

BAD = Impairment(delay_ms=500)
WORSE = Impairment(delay_ms=900)
GOOD = Impairment()


def profile(*windows: Window) -> Profile:
    """A perfect link but for these windows."""
    return Profile(name="mine", origin="mine", title="A test", source="none", windows=windows)


@pytest.mark.parametrize(
    ("at_s", "is_open", "until_s"),
    [
        (0, False, 7),
        (6.9, False, 7),
        (7, True, 9),
        (8.9, True, 9),
        (9, False, 17),
        (17, True, 19),
        (107.5, True, 109),
    ],
)
def test_a_window_comes_again_and_again(at_s: float, is_open: bool, until_s: float) -> None:
    """It opens at its time and every so many seconds after, for as long as it says."""
    window = Window(from_s=7, for_s=2, every_s=10, up=BAD, down=BAD)
    assert window.state(at_s) == (is_open, pytest.approx(until_s))


def test_a_window_without_an_end_stays_open() -> None:
    """What never heals is a window too."""
    assert Window(from_s=3, up=BAD, down=BAD).state(1e6) == (True, math.inf)


def test_a_window_that_comes_once_is_over_for_good() -> None:
    """After it the link is as before, to the end of the run."""
    assert Window(from_s=3, for_s=1, up=BAD, down=BAD).state(4) == (False, math.inf)


def test_a_window_touches_the_traffic_it_names_alone() -> None:
    """Media can be cut while signalling goes on."""
    found, until_s = profile(Window(for_s=4, traffic=Selection.MEDIA, up=BAD, down=GOOD)).at(1, Direction.UP)
    assert {traffic for traffic, impairment in found.items() if impairment == BAD} == {Traffic.MEDIA}
    assert until_s == 4


def test_the_last_of_several_open_windows_counts() -> None:
    """The order in the file is the order of precedence, for the packets that both are about."""
    windows = (Window(up=BAD, down=BAD), Window(for_s=9, traffic=Selection.UDP, up=WORSE, down=GOOD))
    found, _ = profile(*windows).at(1, Direction.UP)
    assert found[Traffic.TCP] == BAD
    assert found[Traffic.SIP] == found[Traffic.MEDIA] == WORSE


def test_every_selection_is_of_known_traffic() -> None:
    """Blocking UDP blocks SIP and media over it; signalling is SIP and what runs over TCP."""
    assert Selection.ALL.traffic == frozenset(Traffic)
    assert Selection.UDP.traffic == frozenset(Traffic) - {Traffic.TCP, Traffic.OTHER}
    assert Selection.SIGNALLING.traffic == {Traffic.BYE, Traffic.SIP, Traffic.TCP}
