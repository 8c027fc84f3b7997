"""Files that grow on two hosts, byte for byte: a piece that is lost on the way is asked for again."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

PIECE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file and where they belong."""

    name: str
    offset: int
    data: bytes

    def message(self) -> dict[str, Any]:
        """Ready for Locust's channel."""
        return {"name": self.name, "offset": self.offset, "data": self.data}

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """Read what `message` said."""
        return cls(message["name"], message["offset"], message["data"])


class Sending:
    """The side where the files are written: what of each has not been sent yet."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = {file.name: file for file in files}
        self._sent = dict.fromkeys(self._files, 0)

    def pieces(self) -> Iterator[Piece]:
        """All that is new."""
        for name, file in self._files.items():
            with file.open("rb") as source:
                source.seek(self._sent[name])
                while data := source.read(PIECE_BYTES):
                    yield Piece(name, self._sent[name], data)
                    self._sent[name] += len(data)

    def again(self, name: str, offset: int) -> None:
        """The other side has the file up to there only."""
        self._sent[name] = min(self._sent[name], offset)

    def sizes(self) -> dict[str, int]:
        """How long each file is."""
        return {name: file.stat().st_size for name, file in self._files.items()}


class Copy:
    """The other side of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def take(self, piece: Piece) -> bool:
        """Append what is new of it; False where something before it is missing."""
        if piece.offset > self.size:
            return False
        data = piece.data[self.size - piece.offset :]
        while data:
            written = os.write(self._descriptor, data)
            self.size, data = self.size + written, data[written:]
        return True

    def close(self) -> None:
        """Of no effect where it is closed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
