"""The caller's built-in voice."""

import array
import wave
from pathlib import Path

from sip.voice import PAUSE_S, PHRASE_S, RATE_HZ, write_voice

AUDIBLE = 256  # mean magnitude of a frame


def test_the_voice_is_an_audible_phrase_and_then_silence(tmp_path: Path) -> None:
    """Most 20 ms frames of the phrase are audible, none of the pause is, and nothing clips."""
    write_voice(tmp_path / "voice.wav")

    with wave.open(str(tmp_path / "voice.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        samples = array.array("h", file.readframes(file.getnframes()))
    frames = [samples[start : start + 160] for start in range(0, len(samples), 160)]
    audible = [sum(map(abs, frame)) / 160 >= AUDIBLE for frame in frames]
    in_phrase = int(PHRASE_S * 50)
    assert len(frames) == int((PHRASE_S + PAUSE_S) * 50)
    assert sum(audible[:in_phrase]) > 0.8 * in_phrase
    assert not any(audible[in_phrase:])
    assert max(map(abs, samples)) < 32767
