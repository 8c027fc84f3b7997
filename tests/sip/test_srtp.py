"""Calls whose media is encrypted, by a far end that decrypts it."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from sip.srtp import UNENCRYPTED, Srtp, is_encrypted
from tests.sip.encrypted_peer import Answer, EncryptedPeer

Place = Callable[..., list[CallRecord]]
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]
HEADER_BYTES, PCMU_BYTES = 12, 160


def calling(peer: EncryptedPeer, srtp: Srtp, folder: Path) -> Pool:
    """Phones that want it so."""
    return Pool(dataclasses.replace(peer.trunk, srtp=srtp), log_folder=folder)


@pytest.mark.parametrize(
    ("srtp", "answer", "offered"),
    [
        (Srtp.REQUIRED, Answer.ENCRYPTED, "RTP/SAVP"),
        (Srtp.OPTIONAL, Answer.ENCRYPTED_BY_CHANCE, "RTP/AVP"),
        (Srtp.OPTIONAL, Answer.PLAIN, "RTP/AVP"),
    ],
)
def test_media_is_encrypted_as_was_agreed(
    place: Place, tmp_path: Path, srtp: Srtp, answer: Answer, offered: str
) -> None:
    """Voice goes both ways, is heard here and reads as PCMU there."""
    with EncryptedPeer(answer) as peer, calling(peer, srtp, tmp_path) as pool:
        (record,) = place(pool, 1, hold_s=1.0)

    (offer,) = peer.offers
    assert re.findall(r"^m=audio \d+ (\S+)", offer, re.MULTILINE) == [offered]
    assert "a=crypto:" in offer
    assert record.outcome is Outcome.ANSWERED
    assert record.rtp is not None
    assert record.rtp.received > 0
    assert record.first_audio_s is not None
    assert peer.heard
    assert peer.unreadable == 0
    voice = [packet for packet in peer.heard if packet[1] & 0x7F == 0]
    assert {len(packet) for packet in voice} == {HEADER_BYTES + PCMU_BYTES}
    assert len({packet[HEADER_BYTES:] for packet in voice}) > 1


def test_an_answer_in_the_clear_is_not_taken_where_encryption_is_required(
    place: Place, tmp_path: Path
) -> None:
    """A livekit-sip whose trunk does not encrypt gives it: not a word is said, and the call is hung up."""
    with EncryptedPeer(Answer.PLAIN) as peer, calling(peer, Srtp.REQUIRED, tmp_path) as pool:
        (record,) = place(pool, 1)

    assert (record.outcome, record.sip_status, record.sip_reason) == (Outcome.MISCONFIGURED, 200, UNENCRYPTED)
    assert record.answered_s is None
    assert record.bye_answered_s is not None
    assert peer.heard == []


@pytest.mark.parametrize(
    ("media", "encrypted"),
    [
        ("m=audio 4000 RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\na=crypto:1 X inline:x\r\n", True),
        ("m=audio 4000 RTP/SAVP 0\r\n", False),
        ("m=audio 4000 RTP/AVP 0\r\na=crypto:1 X inline:x\r\n", False),
        ("", False),
    ],
)
def test_an_answer_is_encrypted_by_protocol_and_key(media: str, encrypted: bool) -> None:
    """One of them is not enough."""
    assert is_encrypted(f"SIP/2.0 200 OK\r\n\r\nv=0\r\n{media}") is encrypted
