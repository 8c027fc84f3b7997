"""Packets of a measurement: what the model says of each when it is sent, and when it came."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from network.dose import QUANTILES
from network.leg import Links
from network.profile import Direction, Traffic

SETTLED_AFTER_S = 1.0  # a packet that is later than this is taken for lost


@dataclass(frozen=True, slots=True)
class Course:
    """What the packets of a flow have in common one way; `near` and `key` are as the executor sees them."""

    direction: Direction
    flow: int
    near: bytes
    key: tuple[int, bytes]
    size_bytes: int


@dataclass(slots=True)
class Passage:
    """One packet sent: times in seconds of the run; `due_s` is what the seeded model says, empty for lost."""

    direction: Direction
    flow: int
    sent_s: float
    due_s: tuple[float, ...]
    arrived_s: list[float] = field(default_factory=list)

    @property
    def is_as_asked(self) -> bool:
        """Whether it came as often as the model says: once, twice, or not at all."""
        return len(self.arrived_s) == len(self.due_s)

    @property
    def errors_s(self) -> list[float]:
        """How much later than the model says it came, each time."""
        return [arrived_s - due_s for arrived_s, due_s in zip(self.arrived_s, self.due_s, strict=False)]


@dataclass(slots=True)
class Ledger:
    """Every packet that is on its way, checked against links that are seeded like those of the executor."""

    links: Links
    _open: dict[int, Passage] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many packets are not settled."""
        return len(self._open)

    def sent(self, number: int, at_s: float, course: Course) -> None:
        """Enter a packet that takes this course."""
        found = self.links.of(course.near)
        if found is None:
            raise ValueError(f"no link has the near end {course.near!r}")
        due_s = found[1].release(course.direction, at_s, course.size_bytes, course.key, Traffic.MEDIA)
        self._open[number] = Passage(course.direction, course.flow, at_s, due_s)

    def arrived(self, number: int, at_s: float) -> None:
        """Note that a packet came; one that was settled already is past counting."""
        if (passage := self._open.get(number)) is not None:
            passage.arrived_s.append(at_s)

    def settle(self, now_s: float) -> Iterator[Passage]:
        """Take out the packets of which nothing more is to be expected."""
        done = [
            number
            for number, each in self._open.items()
            if now_s > max(each.due_s, default=each.sent_s) + SETTLED_AFTER_S
        ]
        for number in done:
            yield self._open.pop(number)


def summary(passages: Sequence[Passage], *, seeded: bool = True) -> dict[str, Any]:
    """How many were sent, lost and not as asked for, and how far their delays are from the model's, in ms.

    Where the executor is not `seeded`, but draws anew, the packets of both are not the same: what compares
    one by one is None then.
    """
    errors_s = sorted(abs(error_s) for each in passages for error_s in each.errors_s if seeded)
    return {
        "sent": len(passages),
        "not_as_asked": sum(not each.is_as_asked for each in passages) if seeded else None,
        "lost_asked": sum(not each.due_s for each in passages),
        "lost": sum(not each.arrived_s for each in passages),
        "burst_asked": mean_burst(passages, asked=True),
        "burst": mean_burst(passages, asked=False),
        "delay_ms": _delays_ms(passages),
        "delay_error_ms": quantiles_ms(errors_s),
    }


def _delays_ms(passages: Sequence[Passage]) -> dict[str, float | None]:
    """Mean and deviation of the delays, in ms, as the model says and as they were."""
    asked = [at_s - each.sent_s for each in passages for at_s in each.due_s]
    got = [at_s - each.sent_s for each in passages for at_s in each.arrived_s]
    return {
        "asked_mean": round(1000 * statistics.fmean(asked), 4) if asked else None,
        "asked_deviation": round(1000 * statistics.pstdev(asked), 4) if asked else None,
        "mean": round(1000 * statistics.fmean(got), 4) if got else None,
        "deviation": round(1000 * statistics.pstdev(got), 4) if got else None,
    }


def quantiles_ms(ordered_s: Sequence[float]) -> dict[str, float | None]:
    """The usual quantiles, in ms, of times in rising order; None without any."""
    last = len(ordered_s) - 1
    return {
        name: round(1000 * ordered_s[min(int(share * len(ordered_s)), last)], 4) if ordered_s else None
        for name, share in QUANTILES.items()
    }


def mean_burst(passages: Sequence[Passage], *, asked: bool) -> float | None:
    """Mean length of a run of lost packets within flows, as the model says or as it was; None without any."""
    lost = runs = 0
    before: dict[tuple[Direction, int], bool] = {}
    for each in passages:
        is_lost = not (each.due_s if asked else each.arrived_s)
        lost += is_lost
        runs += is_lost and not before.get((each.direction, each.flow), False)
        before[each.direction, each.flow] = is_lost
    return lost / runs if runs else None
