"""The caller's voice: the built-in one, and one's own."""

import array
import wave
from pathlib import Path

from sip.voice import PAUSE_S, PHRASE_S, RATE_HZ, change_of, write_voice
from sip.wav import Wav

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


def test_ones_own_voice_is_written_as_a_line_carries_it(tmp_path: Path) -> None:
    """48 kHz stereo becomes 8 kHz mono, which is said; nothing is louder than full scale."""
    own = Wav("me.wav", 48_000, 2, 24, array.array("d", [40_000.0] * 48_000))
    write_voice(tmp_path / "voice.wav", own)

    with wave.open(str(tmp_path / "voice.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        samples = array.array("h", file.readframes(file.getnframes()))
    assert len(samples) == RATE_HZ
    assert samples[RATE_HZ // 2] == 32_767
    assert change_of(own) == (
        "me.wav is mixed down to one channel, resampled from 48000 to 8000 samples a second, made 16 bits "
        "wide from 24: a telephone line carries no more"
    )


def test_a_voice_in_the_lines_own_form_is_not_changed(tmp_path: Path) -> None:
    """To the last sample, and nothing is said of it."""
    own = Wav("me.wav", RATE_HZ, 1, 16, array.array("d", range(-400, 400)))
    write_voice(tmp_path / "voice.wav", own)

    with wave.open(str(tmp_path / "voice.wav")) as file:
        assert array.array("h", file.readframes(file.getnframes())) == array.array("h", range(-400, 400))
    assert change_of(own) is None
