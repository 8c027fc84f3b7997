"""A WAV file of a caller's voice, read: PCM of any usual width, mixed down to one channel."""

import array
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

LONGEST_S = 60.0
_SHORTEST_S = 0.02  # one packet
_RATES_HZ = (8000, 96_000)
_PCM, _EXTENSIBLE = 0x0001, 0xFFFE
_WIDTHS = (8, 16, 24, 32)
_WANTED = "give a WAV file of 8 to 96 kHz, mono or stereo, PCM of 8, 16, 24 or 32 bits, up to a minute long"


class WavError(ValueError):
    """What is wrong with the file, and what would do."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; {_WANTED}")


@dataclass(frozen=True, slots=True, eq=False)
class Wav:
    """Its samples as one channel, in units of 16-bit PCM, at its own rate."""

    name: str
    rate_hz: int
    channels: int
    bits: int
    samples: "array.array[float]"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file whole; raises WavError where it is not what a caller's voice can be."""
        if not path.is_file():  # a pipe would be waited for
            raise WavError("there is no such file")
        try:
            with path.open("rb") as file:
                return cls._read(path.name, file)
        except OSError as error:
            raise WavError(f"it cannot be read ({error.strerror})") from error

    @classmethod
    def _read(cls, name: str, file: BinaryIO) -> Self:
        form = None
        for kind, size in _chunks(file):
            if kind == b"fmt ":
                form = _format(file.read(size))
            elif kind == b"data":
                if form is None:
                    raise WavError("its sound comes before its format")
                rate_hz, channels, bits = form
                frame_bytes = channels * bits // 8
                _check_length(size / frame_bytes / rate_hz)
                data = file.read(size)
                if len(data) < size:
                    raise WavError(f"it was cut: {size - len(data)} of {size} bytes of its sound are missing")
                whole = len(data) - len(data) % frame_bytes
                return cls(name, rate_hz, channels, bits, _mixed(_values(data[:whole], bits), channels))
        raise WavError("it was cut: it has no sound")


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The kind and size of each part, the file standing at its first byte."""
    start = file.read(12)
    if not start:
        raise WavError("it is empty")
    if len(start) < 12 or start[:4] != b"RIFF" or start[8:] != b"WAVE":
        raise WavError("it is not a WAV file")
    while len(head := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        begins = file.tell()
        yield kind, size
        file.seek(begins + size + size % 2)


def _format(chunk: bytes) -> tuple[int, int, int]:
    if len(chunk) < 16:
        raise WavError("it was cut: its format is not whole")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        (tag,) = struct.unpack_from("<H", chunk, 24)  # the first two bytes of its sub-format
    if tag != _PCM or bits not in _WIDTHS:
        raise WavError(f"its samples are compressed or no whole numbers (format {tag}, {bits} bits)")
    if channels not in (1, 2):
        raise WavError(f"it has {channels} channels")
    low_hz, high_hz = _RATES_HZ
    if not low_hz <= rate_hz <= high_hz:
        raise WavError(f"it has {rate_hz} samples a second")
    return rate_hz, channels, bits


def _check_length(length_s: float) -> None:
    if length_s == 0:
        raise WavError("it is empty")
    if length_s < _SHORTEST_S:
        raise WavError(f"it is shorter than a packet of {1000 * _SHORTEST_S:g} ms")
    if length_s > LONGEST_S:
        raise WavError(f"it lasts {length_s:.0f} s")


def _values(data: bytes, bits: int) -> list[float]:
    """The samples in units of 16-bit PCM, channels by turns."""
    if bits == 8:
        return [256.0 * (value - 128) for value in data]
    if bits == 24:
        wide = bytearray(len(data) // 3 * 4)  # shifted by a byte into 32 bits, so that the sign is in place
        for place in range(3):
            wide[place + 1 :: 4] = data[place::3]
        data, bits = bytes(wide), 32
    values = array.array("h" if bits == 16 else "i", data)
    if sys.byteorder == "big":
        values.byteswap()
    return list(map(float, values)) if bits == 16 else [value / 65_536 for value in values]


def _mixed(values: list[float], channels: int) -> "array.array[float]":
    if channels == 1:
        return array.array("d", values)
    pairs = zip(values[::2], values[1::2], strict=True)
    return array.array("d", [(left + right) / 2 for left, right in pairs])
