"""What the RTP pump keeps of a call's sound: the caller left, the far end right, each where it was."""

import array
import random
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from sip.media import Pump
from sip.pump_words import Opened, Report
from tests.sip.conftest import wait_until
from tests.sip.rtp_peer import SILENCE, TONE, RtpPeer, Told, packet, write_tone
from tests.sip.test_pump import answered

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]
A_LAW_TONE = (b"\x3a" * 8 + b"\xba" * 8) * 10
AUDIBLE = 256


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """A pump whose callers say a short phrase."""
    write_tone(tmp_path / "voice.wav", seconds=0.3, pause_s=0.5)
    pump = Pump(log=tmp_path / "pump.log", voice=tmp_path / "voice.wav")
    pump.open()
    try:
        yield Told(pump)
    finally:
        pump.close()


@pytest.fixture
def peer() -> Iterator[RtpPeer]:
    """A far end."""
    with RtpPeer() as made:
        yield made


def ear(told: Told, *, recorded: bool = True) -> tuple[int, int]:
    """An ear's number and its port."""
    number = random.getrandbits(31)
    told.pump.open_ear(number, "127.0.0.1")
    if recorded:
        told.pump.record(number)
    return number, told.of(Opened, number).port


def channels(path: Path) -> list["array.array[int]"]:
    """The caller's samples and the far end's, as long as each other."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        samples = array.array("h", file.readframes(file.getnframes()))
    return [samples[0::2], samples[1::2]]


def sounds_s(samples: "array.array[int]") -> list[float]:
    """Where the frames of 20 ms begin that are audible."""
    frames = [samples[start : start + 160] for start in range(0, len(samples), 160)]
    return [0.02 * place for place, frame in enumerate(frames) if sum(map(abs, frame)) / 160 >= AUDIBLE]


def test_both_voices_are_where_they_were_in_the_call(told: Told, peer: RtpPeer, tmp_path: Path) -> None:
    """The far end by its timestamps, a lost packet a silence; the caller's phrase after it fell quiet."""
    number, port = ear(told)
    answered_s = answered(told, number, peer)
    sent_s = [peer.send(packet(n, TONE), port)[0] - answered_s for n in range(10) if n != 4]
    sent = [peer.receive() for _ in range(60)]
    told.pump.stop(number)
    told.of(Report, number)
    told.pump.keep(number, tmp_path / "call.wav")
    wait_until((tmp_path / "call.wav").exists)

    caller, far_end = channels(tmp_path / "call.wav")
    loud = sounds_s(far_end)
    assert loud[0] == pytest.approx(sent_s[0], abs=0.05)
    assert len(loud) in (9, 10, 11)  # the grid of 20 ms lies anyhow
    heard = [each for each in sent if each.loud]
    assert len(sounds_s(caller)) == pytest.approx(len(heard), abs=1)
    assert sounds_s(caller)[0] == pytest.approx(heard[0].at_s - answered_s, abs=0.1)
    assert not (tmp_path / "call.wav.part").exists()
    assert (tmp_path / "pump.log").read_text() == ""


def test_a_recording_is_whole_where_the_pump_is_closed_right_after(
    told: Told, peer: RtpPeer, tmp_path: Path
) -> None:
    """It ends once all is written; the far end speaks A-law, and began anew under another source."""
    number, port = ear(told)
    told.pump.start(number, peer.far(payload_type=8), answered_s=time.monotonic())
    for n in range(5):
        peer.send(packet(n, A_LAW_TONE, type=8), port)
    peer.receive()
    for n in range(5):
        peer.send(packet(n, A_LAW_TONE, type=8, timestamp=2**31 + 160 * n, ssrc=9), port)
    for _ in range(10):
        peer.receive()
    told.pump.stop(number)
    told.of(Report, number)
    told.pump.keep(number, tmp_path / "call.wav")
    told.pump.close()

    caller, far_end = channels(tmp_path / "call.wav")
    assert len(caller) == len(far_end) > 800
    assert len(sounds_s(far_end)) >= 5


def test_what_is_discarded_or_was_not_recorded_is_written_nowhere(
    told: Told, peer: RtpPeer, tmp_path: Path
) -> None:
    """Nor what is kept twice, or of a call that was never answered."""
    discarded, port = ear(told)
    plain, _ = ear(told, recorded=False)
    unanswered, _ = ear(told)
    answered(told, discarded, peer)
    peer.send(packet(1, SILENCE), port)
    answered(told, plain, peer)
    for number in (discarded, plain, unanswered):
        told.pump.stop(number)
        told.of(Report, number)
    told.pump.discard(discarded)
    for number in (discarded, plain, unanswered):
        told.pump.keep(number, tmp_path / f"{number}.wav")
    told.pump.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["pump.log", "voice.wav"]


def test_a_place_that_cannot_be_written_is_said_in_the_log(told: Told, peer: RtpPeer, tmp_path: Path) -> None:
    """The call is none the worse for it."""
    number, _ = ear(told)
    answered(told, number, peer)
    peer.receive()
    told.pump.stop(number)
    told.of(Report, number)
    told.pump.keep(number, tmp_path / "nowhere" / "call.wav")
    told.pump.close()

    log = (tmp_path / "pump.log").read_text()
    assert f"no recording {tmp_path}/nowhere/call.wav: No such file or directory" in log
