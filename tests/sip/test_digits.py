"""Digits that callers key in."""

import dataclasses
import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from sip import digits
from sip.errors import UsageError
from sip.media import Media
from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from tests.sip.encrypted_peer import Answer, EncryptedPeer

Place = Callable[..., list[CallRecord]]
EVENTS = "0123456789*#ABCD"  # by their codes: RFC 4733 section 3.2
EVENT_TYPE = 96


def test_digits_are_read_as_they_are_on_the_keys() -> None:
    """Small letters are the same keys."""
    assert digits.read(" 12*d# ") == "12*D#"


@pytest.mark.parametrize("text", ["12 3", "E", "+1", "1" * 33, "\u0661"])
def test_what_has_no_key_is_refused(text: str) -> None:
    """The message says what would do."""
    with pytest.raises(UsageError, match="such as 1234#"):
        digits.read(text)


def keyed(heard: list[bytes]) -> list[tuple[str, int, bool]]:
    """Of each event of its stream in turn: the digit, its longest duration in samples, whether it ended."""
    packets = [struct.unpack("!BBHIIBBH", packet[:16]) for packet in heard if packet[1] & 0x7F == EVENT_TYPE]
    events = itertools.groupby(packets, key=lambda packet: (packet[3], packet[5]))
    return [
        (EVENTS[code], max(packet[7] for packet in copies), any(packet[6] & 0x80 for packet in copies))
        for (_, code), grouped in events
        for copies in [list(grouped)]
    ]


@pytest.mark.system
@pytest.mark.timeout(60)
@pytest.mark.parametrize("media", [Media.PUMP, Media.PJSUA2])
def test_digits_reach_the_far_end_in_order_as_the_events_that_it_asked_for(
    place: Place, tmp_path: Path, media: Media
) -> None:
    """Each by its code, with an end, for long enough to be taken for a key; the call goes on in voice."""
    with EncryptedPeer(Answer.PLAIN, event_type=EVENT_TYPE) as peer:
        trunk = dataclasses.replace(peer.trunk, digits="1*#D")
        with Pool(trunk, log_folder=tmp_path, media=media) as pool:
            (record,) = place(pool, 1, hold_s=2.5)

    assert record.outcome is Outcome.ANSWERED
    events = keyed(peer.heard)
    assert [digit for digit, _, _ in events] == ["1", "*", "#", "D"]
    assert all(ended and samples >= 8 * 100 for _, samples, ended in events)
    assert peer.heard[-1][1] & 0x7F == 0


@pytest.mark.system
@pytest.mark.timeout(60)
def test_a_far_end_that_takes_no_digits_is_called_all_the_same(place: Place, tmp_path: Path) -> None:
    """The worker's log says that none was sent."""
    with EncryptedPeer(Answer.PLAIN) as peer:
        trunk = dataclasses.replace(peer.trunk, digits="1")
        with Pool(trunk, log_folder=tmp_path) as pool:
            (record,) = place(pool, 1)

    assert record.outcome is Outcome.ANSWERED
    assert any("no digit was sent" in log.read_text(errors="replace") for log in tmp_path.glob("*.log"))
