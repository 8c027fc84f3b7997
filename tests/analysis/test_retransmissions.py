"""Requests sent again over UDP, by RFC 3261's timers A and E."""

import pandas as pd
import pytest

from analysis.retransmissions import (
    BYE_AGAIN_S,
    INVITE_AGAIN_S,
    bye_again,
    invite_again,
    is_over_udp,
    sent_again,
)


def test_an_invite_waits_twice_as_long_each_time() -> None:
    """Timer A: after 0.5, 1.5, 3.5 … s, and no more once 64 T1 are over."""
    waits = [0.0, 0.49, 0.51, 1.4, 1.6, 3.6, 31.4, 31.6, 100.0]
    assert list(sent_again(waits, INVITE_AGAIN_S)) == [0, 0, 1, 1, 2, 3, 5, 6, 6]


def test_a_bye_waits_four_seconds_at_the_most() -> None:
    """Timer E: 0.5, 1.5, 3.5, 7.5 s, and then every 4 s."""
    waits = [0.4, 0.6, 1.6, 3.6, 7.6, 11.6, 15.6, 32.0]
    assert list(sent_again(waits, BYE_AGAIN_S)) == [0, 1, 2, 3, 4, 5, 6, 10]


def _calls(**times: float | None) -> pd.DataFrame:
    names = ("invite", "trying", "ringing", "answered", "cancel", "bye", "bye_answered", "ended")
    return pd.DataFrame({f"{name}_s": [times.get(name)] for name in names}, dtype="float64")


@pytest.mark.parametrize(
    ("times", "again"),
    [
        ({"trying": 10.1, "ringing": 12.0, "answered": 14.0}, 0),
        ({"ringing": 11.6, "answered": 20.0}, 2),
        ({"answered": 10.6}, 1),
        ({"cancel": 13.6, "ended": 20.0}, 3),
        ({"ended": 42.0}, 6),
    ],
)
def test_the_first_response_of_any_kind_ends_an_invites_repetitions(
    times: dict[str, float], again: int
) -> None:
    """100, 18x, 200; a call that got none repeats until it gives up."""
    assert list(invite_again(_calls(invite=10.0, **times))) == [again]


def test_a_bye_that_is_never_answered_is_repeated_to_the_end() -> None:
    """Until the call ends, which is when its transaction does; a call that sent none repeats none."""
    assert list(bye_again(_calls(bye=5.0, bye_answered=6.6))) == [2]
    assert list(bye_again(_calls(bye=5.0, ended=37.0))) == [10]
    assert bye_again(_calls(ended=37.0)).isna().all()
    assert invite_again(_calls(ended=37.0)).isna().all()


@pytest.mark.parametrize(
    ("uri", "udp"),
    [
        ("sip:198.18.0.1:5060", True),
        ("sip:host;transport=udp", True),
        ("sip:host;transport=TCP", False),
        ("sip:host;transport=tls", False),
        ("sips:host", False),
    ],
)
def test_only_udp_sends_again(uri: str, udp: bool) -> None:
    """TCP and TLS see to it themselves."""
    assert is_over_udp(uri) is udp
