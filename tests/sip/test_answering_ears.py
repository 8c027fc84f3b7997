"""The answering side's ears, before, while and after calls have them."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from sip.answering_ears import Ears, Speaking
from sip.media import Speech
from sip.seat import Seat
from tests.sip.conftest import wait_until
from tests.sip.rtp_peer import TONE, RtpPeer, packet

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]
NOWHERE = Seat(None, 9, 9)


@pytest.fixture
def ears() -> Iterator[Ears]:
    """Those of a pump that plays the built-in voice."""
    with Ears("127.0.0.1", Speaking(Speech.LOOP), otherwise=NOWHERE) as opened:
        yield opened


def test_a_burst_of_calls_finds_ears_ready(ears: Ears) -> None:
    """Each has its own; calls that find none are sent elsewhere, and the next burst finds more."""
    first = [ears.take() for _ in range(64)]
    assert len({seat.port for seat in first}) == 64
    assert NOWHERE not in first


def test_a_call_that_finds_no_ear_ready_has_none_and_more_are_kept_ready_from_then_on(ears: Ears) -> None:
    """It is sent elsewhere: nobody waits for a pump that is slow."""
    os.kill(ears._pump.pid or 0, signal.SIGSTOP)
    taken = [ears.take() for _ in range(65)]
    os.kill(ears._pump.pid or 0, signal.SIGCONT)

    assert taken.index(NOWHERE) == 64
    assert ears.heard.unheard == 1
    wait_until(lambda: (ears.read(), len(ears._ready))[1] >= 128)


def test_a_voice_is_played_from_the_answer_on_and_what_came_is_counted() -> None:
    """The end stops those that still speak, and counts them."""
    with RtpPeer() as peer, Ears("127.0.0.1", Speaking(Speech.LOOP), otherwise=NOWHERE) as ears:
        seat = ears.take()
        ears.speak(seat, peer.far(), answered_s=time.monotonic())
        packets = [peer.receive() for _ in range(10)]
        peer.send(packet(1, TONE), seat.port)
        peer.send(packet(3, TONE), seat.port)

    assert any(each.loud for each in packets)
    assert (ears.heard.calls, ears.heard.unheard) == (1, 0)
    assert ears.heard.sent >= 10
    assert (ears.heard.received, ears.heard.lost) == (2, 1)


def test_another_pump_serves_the_next_calls_where_one_died(
    ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    """The calls of the one that died go on without a voice, which is said once."""
    with RtpPeer() as peer:
        seat = ears.take()
        ears.speak(seat, peer.far(), answered_s=time.monotonic())
        peer.receive()
        os.kill(ears._pump.pid or 0, signal.SIGKILL)
        wait_until(ears.read)
        ears.speak(seat, peer.far(), answered_s=time.monotonic())
        ears.give_back(seat)

        def another() -> bool:
            ears.read()
            return (seat := ears.take()) != NOWHERE and seat.ear is not None

        wait_until(another)

    assert ears.heard.unheard >= 1
    (said,) = [record.message for record in caplog.records]
    assert said == "the RTP pump died; calls that go on without a voice: 1"
