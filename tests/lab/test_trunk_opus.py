"""Facts about Opus between the room and the telephone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lab.trunk.webrtc.opus import FRAME_SAMPLES, RATE_HZ, Decoder, Encoder

FRAME = bytes(2 * FRAME_SAMPLES)


def _tone(hertz: float, frames: int) -> list[bytes]:
    at = np.arange(frames * FRAME_SAMPLES) / RATE_HZ
    samples = np.asarray(9000 * np.sin(2 * np.pi * hertz * at), np.int16)
    return [
        samples[start : start + FRAME_SAMPLES].tobytes() for start in range(0, len(samples), FRAME_SAMPLES)
    ]


def _through(frames: list[bytes]) -> NDArray[np.int16]:
    encoder, decoder = Encoder(), Decoder()
    heard = b"".join(decoder.decode(encoder.encode(frame)) for frame in frames)
    encoder.close()
    return np.frombuffer(heard, np.int16)


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_a_tone_comes_out_as_it_went_in(hertz: int) -> None:
    """The same length, the same pitch, and its level within 2 dB over the telephone's band."""
    heard = _through(_tone(hertz, 50))

    settled = heard[4000:].astype(float)
    spectrum = np.abs(np.fft.rfft(settled * np.hanning(len(settled))))
    assert len(heard) == 50 * FRAME_SAMPLES
    assert spectrum.argmax() * RATE_HZ / len(settled) == pytest.approx(hertz, abs=5)
    assert 20 * np.log10(settled.std() * 2**0.5 / 9000) == pytest.approx(0, abs=2)


def test_silence_stays_silence() -> None:
    """And every packet of it after the first is the same few bytes."""
    encoder = Encoder()
    packets = [encoder.encode(FRAME) for _ in range(20)]
    encoder.close()

    assert len(set(packets[2:])) == 1
    assert len(packets[-1]) < 10
    assert np.abs(_through([FRAME] * 20)).max() <= 1


def test_speech_after_silence_is_heard() -> None:
    """The codec is asked again as soon as there is something to say."""
    heard = _through([FRAME] * 20 + _tone(500, 20))

    assert np.abs(heard[: 20 * FRAME_SAMPLES]).max() <= 1
    assert np.abs(heard[-10 * FRAME_SAMPLES :].astype(int)).max() > 7000


def test_a_damaged_packet_is_nothing_and_does_no_harm() -> None:
    """The next one is decoded."""
    encoder, decoder = Encoder(), Decoder()

    assert decoder.decode(b"\xff") == b""
    assert len(decoder.decode(encoder.encode(FRAME))) == len(FRAME)
    encoder.close()
