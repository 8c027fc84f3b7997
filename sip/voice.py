"""The caller's voice for a telephone line: one's own, or a buzzing source's syllables and a pause."""

import array
import math
import wave
from pathlib import Path

from sip.resampling import resampled
from sip.wav import Wav

RATE_HZ = 8000
PHRASE_S = 2.0
PAUSE_S = 2.0
_SYLLABLES_PER_S = 4.0  # the rate of conversational speech
_PITCH_HZ = 120.0
_PEAK = 12000  # -9 dBFS


def write_voice(path: Path, own: Wav | None = None) -> None:
    """Write `own` voice, or the built-in one, as 8 kHz mono PCM of 16 bits, to be played in a loop."""
    samples = _built_in() if own is None else _carried(own)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())


def change_of(own: Wav) -> str | None:
    """What becomes of one's own voice on the way to a telephone line, in a sentence; None where nothing."""
    done = ["mixed down to one channel"] if own.channels > 1 else []
    if own.rate_hz != RATE_HZ:
        done.append(f"resampled from {own.rate_hz} to {RATE_HZ} samples a second")
    if own.bits != 16:
        done.append(f"made 16 bits wide from {own.bits}")
    return f"{own.name} is {', '.join(done)}: a telephone line carries no more" if done else None


def _carried(own: Wav) -> "array.array[int]":
    made = resampled(own.samples, own.rate_hz, RATE_HZ)
    return array.array("h", [max(-32_768, min(round(value), 32_767)) for value in made])


def _built_in() -> "array.array[int]":
    """The phrase and its pause.

    A harmonic source under two moving formants and a syllable envelope: enough like speech for a
    voice-activity detector to find where it begins and ends, and the same samples every time.
    """
    voiced = [_sample(index / RATE_HZ) for index in range(int(PHRASE_S * RATE_HZ))]
    peak = max(abs(value) for value in voiced)
    samples = array.array("h", [round(value / peak * _PEAK) for value in voiced])
    samples.extend([0] * int(PAUSE_S * RATE_HZ))
    return samples


def _sample(at_s: float) -> float:
    syllable = at_s * _SYLLABLES_PER_S
    envelope = math.sqrt(math.sin(math.pi * (syllable % 1.0)))
    first_hz = 500 + 200 * math.sin(syllable * 1.7)
    second_hz = 1500 + 400 * math.cos(syllable * 1.1)
    # The phase is the integral of a pitch that falls by a fifth over the phrase, as a statement's does.
    turns = _PITCH_HZ * (at_s - 0.1 * at_s * at_s / PHRASE_S)
    total = 0.0
    for harmonic in range(1, 28):
        hz = harmonic * _PITCH_HZ
        gain = _resonance(hz, first_hz, 100) + 0.5 * _resonance(hz, second_hz, 150)
        total += gain * math.sin(2 * math.pi * harmonic * turns)
    return envelope * total


def _resonance(hz: float, centre_hz: float, width_hz: float) -> float:
    return 1 / (1 + ((hz - centre_hz) / width_hz) ** 2)
