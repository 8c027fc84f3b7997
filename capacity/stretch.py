"""A stretch of calls at one load, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from capacity.step import Decision, Phase


class Axis(StrEnum):
    """What a load is counted in."""

    RATE = "rate"
    CONCURRENT = "concurrent"

    @property
    def unit(self) -> str:
        """In words."""
        return "calls/s" if self is Axis.RATE else "calls at once"


@dataclass(frozen=True, slots=True)
class Cell:
    """What has a capacity of its own: an arm under a network profile."""

    arm: str
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Calls at one load. A stretch that is `sequential` ends as soon as it is decided, after `least` calls.

    `calls` is how many there are at the most; `warm_up` ones come before them and are not judged.
    """

    phase: Phase
    cell: Cell
    load: float
    calls_per_second: float
    calls: int
    warm_up: int = 0
    least: int = 0
    sequential: bool = False

    @property
    def seconds(self) -> float:
        """How long it takes where all its calls are placed, or all that a clean system needs."""
        placed = self.least if self.sequential else self.calls
        return (placed + self.warm_up) / self.calls_per_second

    def worded(self, axis: Axis) -> str:
        """Its load in words."""
        if self.phase is Phase.BURST:
            return f"{self.calls} calls at one instant"
        return f"{self.load:.3g} {axis.unit}"

    def announced(self, axis: Axis) -> str:
        """What it is, in words."""
        load = self.worded(axis)
        match self.phase:
            case Phase.BURST:
                said = load
            case Phase.BRACKET | Phase.BISECT:
                said = f"{load}: {self.least} calls, all clean, would pass"
            case _:
                said = f"{load}: {self.calls} calls"
        fill = f" after {self.warm_up} to warm up" if self.warm_up else ""
        return f"{self.phase} of {self.cell.arm} under {self.cell.profile}, {said}{fill}"


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a stretch, and what it cost."""

    decision: Decision
    calls: int
    seconds: float
    bad: int = 0
    judged: int = 0

    @property
    def dead(self) -> bool:
        """Whether not one call was good."""
        return self.judged > 0 and self.bad == self.judged

    def doubts(self, share: float) -> bool:
        """Whether a hold takes its load's pass back, where so large a share may be bad.

        It does when the gate is shown to be broken, and when it is not shown to hold and more than half as
        many calls are bad as may be: a few calls show nothing and are no reason for doubt.
        """
        if self.decision is Decision.UNDECIDED:
            return self.bad > self.judged * share / 2
        return self.decision is Decision.FAILED
