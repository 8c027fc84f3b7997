"""What the master knows of one Locust worker: its share, its clock, the copies of its files, its end."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sip.copies import Copy, Piece
from sip.share import Share

CLOCK_SAMPLES = 10
_FILES = ("calls", "health")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Member:
    """A worker by Locust's id of it; `gone_s` is since when Locust has not heard of it."""

    id: str
    share: Share
    refusal: str | None = None
    done: Mapping[str, Any] | None = None
    gone_s: float | None = None
    lost: bool = False
    _is_set_up: bool = False
    _clocks: list[tuple[float, float]] = field(default_factory=list)  # round trip and offset, s
    _copies: dict[str, Copy] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether it can begin, and when is known by its clock."""
        return self._is_set_up and self.knows_clock

    @property
    def was_heard(self) -> bool:
        """Whether it has said anything yet."""
        return bool(self._clocks)

    @property
    def knows_clock(self) -> bool:
        """Whether its clock has been compared often enough."""
        return len(self._clocks) >= CLOCK_SAMPLES

    @property
    def offset(self) -> tuple[float, float]:
        """How far its wall clock is ahead of ours and how well that is known, in seconds.

        By the quickest exchange: the error is at most half its round trip (RFC 5905 section 8).
        """
        round_trip_s, offset_s = min(self._clocks)
        return offset_s, round_trip_s / 2

    @property
    def is_whole(self) -> bool:
        """Whether it has done its share and all that it wrote is here."""
        return self.done is not None and not list(self.missing())

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come from it."""
        return self.lost or self.is_whole

    def compare_clocks(self, asked_unix: float, its_unix: float, now_unix: float) -> None:
        """It was asked for its time, said it, and now we hear it."""
        self._clocks.append((now_unix - asked_unix, its_unix - (asked_unix + now_unix) / 2))

    def set_up(self, folder: Path | None) -> None:
        """It takes the word to begin; its files are copied into `folder` where it cannot write there."""
        self._is_set_up = True
        if folder is not None and not self._copies:
            names = [f"{kind}-{self.share.worker}.jsonl" for kind in _FILES]
            self._copies = {name: Copy(folder / name) for name in names}

    def take(self, piece: Piece) -> dict[str, Any] | None:
        """Keep a piece of one of its files; the answer is what is missing before it."""
        copy = self._copies.get(piece.name)  # and of no other file, whatever it says
        try:
            if copy is None or copy.take(piece):
                return None
        except OSError as error:
            _log.error("%s cannot be written: %s", piece.name, error)
            return None
        return {"name": piece.name, "offset": copy.size}

    def missing(self) -> Iterator[dict[str, Any]]:
        """From where on its files have not come, once it is done."""
        for name, size in (self.done["sizes"] if self.done else {}).items():
            copy = self._copies.get(name)
            if copy is not None and copy.size < size:
                yield {"name": name, "offset": copy.size}

    def close(self) -> None:
        """Close the copies."""
        for copy in self._copies.values():
            copy.close()
