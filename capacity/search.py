"""Which load to try next: a bracket around the knee in steps of two, then halves of it on a log scale."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from capacity.step import Decision, Phase

PRECISION = 1.5
FACTOR = 2.0
_SAYS = (Decision.PASSED, Decision.FAILED, Decision.UNDECIDED, Decision.NOT_VALID)


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
    Then the widest gap on the log scale, between the low, the high and what is undecided between them, is
    halved, until low and high are within a factor of `precision`, or no gap is wider than that. At last the
    lowest failure is tried again, for one cluster of slow calls makes a step fail; a pass is tried again by
    the hold that confirms it. Steps at one load that disagree leave it undecided. An undecided load is too
    close to the knee to be told from it, so it is neither low nor high. Where the tester fell short is a
    wall: no load from there on is tried. Loads are rounded to three digits, or are `whole`.

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
                f"a search cannot begin at {start:g}: a start lies between the lowest load, {floor:g}, and"
                f" the highest, {ceiling:g}, both above 0 and finite"
            )
        if not precision > 1:
            raise ValueError(
                f"loads are not told apart to a factor of {precision:g}: it is above 1, such as {PRECISION:g}"
            )
        self._start, self._ceiling, self._floor = start, ceiling, floor
        self._precision, self._whole = precision, whole
        self._told: dict[float, list[Decision]] = {}
        self._cut = False

    def tell(self, load: float, decision: Decision) -> None:
        """What became of a step at this load.

        Raises:
            ValueError: it is no step that decides anything.
        """
        if decision is Decision.CUT:
            self._cut = True
        elif decision in _SAYS:
            self._told.setdefault(load, []).append(decision)
        else:
            raise ValueError(f"a step that came to {decision} says nothing of its load")

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
            above = math.ceil(highest * factor) if self._whole else self._rounded(highest * factor)
            return Phase.BRACKET, min(float(above), self._ceiling)
        between = self._between(knee.low, highest if top is None else top)
        if between is None and knee.high is not None and len(self._told[knee.high]) == 1:
            return Phase.BISECT, knee.high
        return between

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
        """The interval as far as it is known. A pass above the lowest failure does not count."""
        high = min(self._loads(Decision.FAILED), default=None)
        passed = [load for load in self._loads(Decision.PASSED) if high is None or load < high]
        return Knee(max(passed, default=None), high)

    @property
    def contradicted(self) -> tuple[float, ...]:
        """Loads that passed, though they or a lower one failed: the deployment did not stay the same."""
        failed = [load for load, told in self._told.items() if Decision.FAILED in told]
        passed = sorted(load for load, told in self._told.items() if Decision.PASSED in told)
        return tuple(load for load in passed if failed and load >= min(failed))

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
        return sorted(load for load, told in self._told.items() if _together(told) is decision)


def _together(told: Sequence[Decision]) -> Decision:
    """What the steps at one load say where they agree; those that are not valid do not count."""
    said = {decision for decision in told if decision is not Decision.NOT_VALID}
    if not said:
        return Decision.NOT_VALID
    return said.pop() if len(said) == 1 else Decision.UNDECIDED
