"""Which load to try next: a bracket around the knee in steps of two, then halves of it on a log scale."""

import itertools
import math
from dataclasses import dataclass

from capacity.step import Decision, Phase

PRECISION = 1.2
FACTOR = 2.0
_WEIGHT = (Decision.NOT_VALID, Decision.PASSED, Decision.UNDECIDED, Decision.FAILED)


@dataclass(frozen=True, slots=True)
class Knee:
    """Where callers begin to notice: above the highest load that passed, below the lowest that failed.

    Either is None where no load did.
    """

    low: float | None
    high: float | None


class Search:
    """The search of one cell: `next` names a load, `tell` takes what became of it; it ends, whatever that is.

    Loads double from `start` while they pass and are halved while they fail, between `floor` and `ceiling`.
    Then the widest gap on the log scale, between the low, the high and what was undecided between them, is
    halved, until low and high are within a factor of `precision`, or no gap is wider than that. An undecided
    load is too close to the knee to be told from it, so it is neither low nor high. A load at which the tester
    fell short is a wall: no load from there on is tried. Loads are rounded to three digits, or are `whole`.

    Raises:
        ValueError: no search can begin with these numbers.
    """

    def __init__(
        self,
        start: float,
        ceiling: float,
        floor: float,
        precision: float = PRECISION,
        *,
        whole: bool = False,
    ) -> None:
        if not 0 < floor <= start <= ceiling < math.inf:
            raise ValueError(
                f"a search from {start:g} needs 0 < floor <= start <= ceiling: {floor:g}, {ceiling:g}"
            )
        if not precision > 1:
            raise ValueError(
                f"loads cannot be told apart to a factor of {precision:g}: it is above 1, such as 1.2"
            )
        self._start, self._ceiling, self._floor = start, ceiling, floor
        self._precision, self._whole = precision, whole
        self._told: dict[float, Decision] = {}
        self._cut = False

    def tell(self, load: float, decision: Decision) -> None:
        """What became of a step at this load; of several the worst counts, so a hold can take a pass back."""
        if decision is Decision.CUT:
            self._cut = True
        elif decision not in _WEIGHT:
            raise ValueError(f"a step that came to {decision} says nothing of its load")
        elif load not in self._told or _WEIGHT.index(decision) > _WEIGHT.index(self._told[load]):
            self._told[load] = decision

    def next(self) -> tuple[Phase, float] | None:
        """The load to try next and what for; None when nothing more can be learnt, or a step was cut."""
        if self._cut:
            return None
        if not self._told:
            return Phase.BRACKET, self._start
        knee, top = self.knee, self._top
        lowest, highest = min(self._told), max(self._told)
        if knee.low is None:
            below = max(self._rounded(lowest / FACTOR), self._floor)
            return (Phase.BRACKET, below) if below < lowest else None
        if top is None and highest < self._ceiling:
            factor = FACTOR if highest == knee.low else math.sqrt(FACTOR)
            return Phase.BRACKET, min(self._rounded(highest * factor), self._ceiling)
        return self._between(knee.low, highest if top is None else top)

    def _between(self, low: float, top: float) -> tuple[Phase, float] | None:
        if top / low <= self._precision:
            return None
        points = sorted({low, top, *(load for load in self._told if low < load < top)})
        below, above = max(itertools.pairwise(points), key=lambda gap: gap[1] / gap[0])
        middle = self._rounded(math.sqrt(below * above))
        if above / below <= self._precision or not below < middle < above:
            return None
        return Phase.BISECT, middle

    def _rounded(self, load: float) -> float:
        return float(round(load)) if self._whole else float(f"{load:.3g}")

    @property
    def knee(self) -> Knee:
        """The interval as far as it is known. A pass at or above the lowest failure does not count."""
        high = min(self._loads(Decision.FAILED), default=None)
        passed = [load for load in self._loads(Decision.PASSED) if high is None or load < high]
        return Knee(max(passed, default=None), high)

    @property
    def contradicted(self) -> tuple[float, ...]:
        """Loads that passed above the lowest one that failed: the deployment did not stay the same."""
        high = self.knee.high
        return tuple(load for load in self._loads(Decision.PASSED) if high is not None and load > high)

    @property
    def wall(self) -> float | None:
        """The lowest load at which the tester fell short."""
        return min(self._loads(Decision.NOT_VALID), default=None)

    @property
    def _top(self) -> float | None:
        low = self.knee.low or 0.0
        tops = [load for load in (self.knee.high, self.wall) if load is not None and load > low]
        return min(tops, default=None)

    def _loads(self, decision: Decision) -> list[float]:
        return sorted(load for load, told in self._told.items() if told is decision)
