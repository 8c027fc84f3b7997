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
        decoder: what a line should be.
        otherwise: takes a line that is none, or raises `msgspec.DecodeError` too.
    """

    blocks: Iterable[bytes]
    decoder: msgspec.json.Decoder[Line]
    otherwise: Callable[[bytes], None] = _nothing_else
    cut: int = 0

    def batches(self) -> Iterator[list[Line]]:
        """The lines of each block, once."""
        for block in self.blocks:
            yield self._at_once(block) or list(self._one_by_one(block))

    def __iter__(self) -> Iterator[Line]:
        for batch in self.batches():
            yield from batch

    def _at_once(self, block: bytes) -> list[Line] | None:
        """A block without a flaw, in half the time; None for any other."""
        if block.endswith(b"\n"):
            try:
                read = self.decoder.decode_lines(block)
            except msgspec.DecodeError:
                return None
            # Two values on a line would have been taken too, and an empty line passed over.
            if len(read) == block.count(b"\n"):
                return read
        return None

    def _one_by_one(self, block: bytes) -> Iterator[Line]:
        *whole, tail = block.split(b"\n")
        self.cut += bool(tail.strip())
        for line in whole:
            try:
                yield self.decoder.decode(line)
            except msgspec.DecodeError:
                self._other(line)

    def _other(self, line: bytes) -> None:
        try:
            self.otherwise(line)
        except msgspec.DecodeError:
            self.cut += 1
