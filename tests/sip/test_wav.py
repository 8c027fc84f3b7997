"""WAV files of a caller's voice: every usual form is read alike, whatever else is refused in one sentence."""

import math
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.wav import Wav, WavError

RATE_HZ = 8000


def wav(
    samples: list[int], *, bits: int = 16, channels: int = 1, rate_hz: int = RATE_HZ, tag: int = 1
) -> bytes:
    """A file of these samples, which are written as they are; an extensible form names PCM within."""
    width = bits // 8
    data = b"".join(
        (value + 128 if bits == 8 else value).to_bytes(width, "little", signed=bits != 8) for value in samples
    )
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * width * channels, width * channels, bits)
    if tag == 0xFFFE:
        form += struct.pack("<HHIH14x", 22, bits, 0, 1)
    chunks = b"".join(
        name + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2)
        for name, part in ((b"fmt ", form), (b"LIST", b"odd"), (b"data", data))
    )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def read(folder: Path, content: bytes) -> Wav:
    """What the file comes to."""
    path = folder / "voice.wav"
    path.write_bytes(content)
    return Wav.read(path)


@pytest.mark.parametrize("tag", [1, 0xFFFE])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_samples_of_any_width_come_to_the_same(tmp_path: Path, bits: int, tag: int) -> None:
    """In units of 16-bit PCM, with their sign; a chunk between, of odd length, is passed over."""
    steps = [-128, -1, 0, 1, 127] * 40
    scale = 2 ** (bits - 8)

    found = read(tmp_path, wav([value * scale for value in steps], bits=bits, tag=tag))

    assert list(found.samples) == [value * 256 for value in steps]
    assert (found.bits, found.rate_hz, found.channels, found.name) == (bits, RATE_HZ, 1, "voice.wav")


def test_two_channels_are_mixed_down(tmp_path: Path) -> None:
    """Each sample is the mean of the two."""
    found = read(tmp_path, wav([100, 300, -100, 100] * 100, channels=2))

    assert list(found.samples) == [200, 0] * 100


def test_what_others_write_is_read(tmp_path: Path) -> None:
    """By the standard library, 44.1 kHz stereo."""
    with wave.open(str(tmp_path / "voice.wav"), "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        file.writeframes(struct.pack("<2h", 5, 7) * 4410)

    found = Wav.read(tmp_path / "voice.wav")

    assert (found.rate_hz, len(found.samples), set(found.samples)) == (44_100, 4410, {6.0})


GOOD = wav([0] * 400)
BAD = {
    "empty": (b"", "it is empty"),
    "no sound": (wav([]), "it is empty"),
    "text": (b"What is said, in words, is no sound.", "not a WAV file"),
    "short head": (GOOD[:11], "not a WAV file"),
    "no format": (GOOD[:12] + GOOD[36:], "comes before its format"),
    "cut in the format": (GOOD[:24], "was cut"),
    "cut before the sound": (GOOD[:36], "was cut"),
    "cut in the sound": (GOOD[:-2], "2 of 800 bytes of its sound are missing"),
    "one packet is longer": (wav([0] * 100), "shorter than a packet"),
    "too long": (wav([0] * 8000 * 61, bits=8), "it lasts 61 s"),
    "mu-law": (wav([0] * 400, bits=8, tag=7), "compressed"),
    "floating point": (wav([0] * 400, bits=32, tag=3), "no whole numbers"),
    "surround": (wav([0] * 1200, channels=6), "it has 6 channels"),
    "no channel": (wav([0] * 400, channels=0), "it has 0 channels"),
    "slow": (wav([0] * 400, rate_hz=4000), "it has 4000 samples a second"),
    "no rate": (wav([0] * 400, rate_hz=0), "it has 0 samples a second"),
    "fast": (wav([0] * 9000, rate_hz=192_000), "it has 192000 samples a second"),
}


@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_a_voice_is_refused_with_what_can(tmp_path: Path, content: bytes, said: str) -> None:
    """One sentence that says what is wrong and what would do."""
    with pytest.raises(WavError) as refusal:
        read(tmp_path, content)

    assert said in str(refusal.value)
    assert "give a WAV file" in str(refusal.value)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A folder, and nothing at all."""
    for place in (tmp_path, tmp_path / "none.wav"):
        with pytest.raises(WavError, match="there is no such file"):
            Wav.read(place)


@given(st.integers(0, len(GOOD)), st.binary(max_size=8))
def test_a_damaged_file_is_refused_or_read_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, at: int, damage: bytes
) -> None:
    """Whichever bytes of it changed."""
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    path.write_bytes(GOOD[:at] + damage + GOOD[at + len(damage) :])
    try:
        found = Wav.read(path)
    except WavError:
        return
    assert len(found.samples) > 0
    assert all(map(math.isfinite, found.samples))
