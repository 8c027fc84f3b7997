"""JSON Lines: each line as what it should be, and a count of those that are not."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

Line = TypeVar("Line")


def _nothing_else(line: bytes) -> None:
    raise msgspec.DecodeError


@dataclass(slots=True)
class Lines(Generic[Line]):
    """The lines of one file; `cut` is how many could not be read so far.

    Args:
        blocks: the file's bytes in pieces that end with a whole line. What follows the last newline of all
            was cut by a kill or a full disk.
        decode: a line's reading; raises `msgspec.DecodeError` for what is none.
        otherwise: takes a line that `decode` did not, or raises the same.
    """

    blocks: Iterable[bytes]
    decode: Callable[[bytes], Line]
    otherwise: Callable[[bytes], None] = _nothing_else
    cut: int = 0

    def batches(self) -> Iterator[list[Line]]:
        """The lines of each block, once."""
        decode = self.decode
        for block in self.blocks:
            *whole, tail = block.split(b"\n")
            self.cut += bool(tail.strip())
            read = []
            for line in whole:
                try:
                    read.append(decode(line))
                except msgspec.DecodeError:
                    self._other(line)
            yield read

    def __iter__(self) -> Iterator[Line]:
        for batch in self.batches():
            yield from batch

    def _other(self, line: bytes) -> None:
        try:
            self.otherwise(line)
        except msgspec.DecodeError:
            self.cut += 1
