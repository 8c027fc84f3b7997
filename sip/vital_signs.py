"""Each worker's signs of life, in memory that the pool looks at.

As messages they would wake the pool once a second for each of some 250 workers, which cost it more than the
calls that those carry.
"""

import mmap
import os
import struct
from typing import NamedTuple, Self

_PLACES = 1 << 15
_SIGN = struct.Struct("=3d")


class Sign(NamedTuple):
    """What a worker says of itself: CPU time since its start, its loop's largest lateness since the last one.

    `at_s` is CLOCK_MONOTONIC, 0 before the first one.
    """

    at_s: float
    cpu_s: float
    loop_lag_s: float


class VitalSigns:
    """A place for each worker, which it alone writes; processes that inherit `descriptor` share it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _PLACES * _SIGN.size)

    @classmethod
    def create(cls) -> Self:
        """Make room, of which only what is used takes memory."""
        descriptor = os.memfd_create("vital-signs")
        os.ftruncate(descriptor, _PLACES * _SIGN.size)
        return cls(descriptor)

    def write(self, worker: int, sign: Sign) -> None:
        """Replace the sign of the worker of that number, one in 32,768 of which shares its place."""
        _SIGN.pack_into(self._memory, worker % _PLACES * _SIGN.size, *sign)

    def read(self, worker: int) -> Sign:
        """Its last one."""
        return Sign._make(_SIGN.unpack_from(self._memory, worker % _PLACES * _SIGN.size))

    def close(self) -> None:
        """Let go of it; others keep theirs."""
        self._memory.close()
        os.close(self.descriptor)
