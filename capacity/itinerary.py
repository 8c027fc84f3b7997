"""Where a capacity run goes: stretches of calls, each chosen by what became of those before."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum

from capacity.criterion import Criterion
from capacity.search import Search
from capacity.sequential import clean_calls, look_calls
from capacity.step import Decision, Phase

STEP_S = 30.0  # a load is held at least so long before it passes: a queue needs time to show
CONFIRM_CALLS = 160  # of which 149 clean ones show 2 %
CONFIRM_S = 60.0
MOST_CONFIRMS = 3
HEADROOM = 0.7  # of what the tester can do alone is what it may be asked for
_RING_S = 5.0  # of a load that is too much: steps end soon after that shows
DEEPEST = 16.0  # times below its start, a search that only fails gives up
DEAD = 4.0  # times below its start, not one good call is no matter of load
SHED = 1.5
SHED_S = 30.0
RECOVERY_S = 20.0
FEW_CALLS = 20  # at least so many in what only shows and decides nothing
BURSTS = (2, 4, 8, 16, 32)
BURST_CALLS_PER_SECOND = 1000.0
PATIENCE = 4  # times the calls that a clean step takes, after which a step is left undecided


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a capacity run is asked for; times in seconds, loads as the axis counts them."""

    cells: tuple[Cell, ...]
    axis: Axis
    start: float
    floor: float
    ceiling: float
    precision: float
    criteria: tuple[Criterion, ...]
    alpha: float
    hold_s: float
    warm_up: int
    confirm_calls: int
    budget_s: float
    budget_calls: float = math.inf
    smoke: bool = False

    def calls_per_second(self, load: float) -> float:
        """The rate at which calls arrive; so many conversations at once end within one hold."""
        return load if self.axis is Axis.RATE else load / self.hold_s

    @property
    def share(self) -> float:
        """The largest share of calls that a criterion lets be bad."""
        return max(criterion.share for criterion in self.criteria)

    def step(self, phase: Phase, cell: Cell, load: float) -> Stretch:
        """A step of the search."""
        rate = self.calls_per_second(load)
        clean = clean_calls(self.criteria, self.alpha)
        least = max(math.ceil(rate * STEP_S), clean)
        return Stretch(
            phase=phase,
            cell=cell,
            load=load,
            calls_per_second=rate,
            calls=max(PATIENCE * clean, 2 * least),
            warm_up=self._fill(load),
            least=least,
            sequential=True,
        )

    def confirm(self, cell: Cell, load: float) -> Stretch:
        """The hold that the run's gates judge."""
        return self._held(Phase.CONFIRM, cell, load, calls=self.confirm_calls, for_s=CONFIRM_S)

    def shed(self, cell: Cell, load: float) -> Stretch:
        """More than it carries, for a while."""
        return self._held(Phase.SHED, cell, load, calls=FEW_CALLS, for_s=SHED_S)

    def recovery(self, cell: Cell, load: float) -> Stretch:
        """Back to what it carries."""
        return self._held(Phase.RECOVERY, cell, load, calls=FEW_CALLS, for_s=RECOVERY_S)

    def burst(self, cell: Cell, size: int) -> Stretch:
        """So many calls at one instant."""
        return Stretch(
            phase=Phase.BURST,
            cell=cell,
            load=size,
            calls_per_second=BURST_CALLS_PER_SECOND,
            calls=size,
        )

    def fixed(self, cell: Cell) -> Stretch:
        """One load, one look."""
        rate = self.calls_per_second(self.start)
        return Stretch(
            phase=Phase.SMOKE,
            cell=cell,
            load=self.start,
            calls_per_second=rate,
            calls=max(self.confirm_calls, look_calls(self.criteria)),
            warm_up=max(self.warm_up, self._fill(self.start)),
        )

    @property
    def judged_calls(self) -> int:
        """Calls of one cell that the run's gates judge, where it comes that far."""
        judged = self.fixed if self.smoke else lambda cell: self.confirm(cell, self.start)
        return judged(self.cells[0]).calls

    @property
    def at_once(self) -> int:
        """Calls that may be up at once, where the tester is measured alone: the search keeps below that."""
        load = self.start if self.smoke else self.ceiling / HEADROOM
        return math.ceil(self.calls_per_second(load) * (self.hold_s + _RING_S)) + max(BURSTS)

    @property
    def least_s(self) -> float:
        """What deciding anything takes: one clean step where the search starts, and its hold."""
        each = sum(self.decided_s(stretch) for stretch in (
            self.step(Phase.BRACKET, self.cells[0], self.start),
            self.confirm(self.cells[0], self.start),
        ))  # fmt: skip
        return each * len(self.cells)

    @property
    def least_calls(self) -> int:
        """The same in calls."""
        step = self.step(Phase.BRACKET, self.cells[0], self.start)
        confirm = self.confirm(self.cells[0], self.start)
        return (step.least + step.warm_up + confirm.calls + confirm.warm_up) * len(self.cells)

    def decided_s(self, stretch: Stretch) -> float:
        """How long a stretch takes on a clean system, with the end of its last calls."""
        return stretch.seconds + self.hold_s + REST_S

    def _held(self, phase: Phase, cell: Cell, load: float, *, calls: int, for_s: float) -> Stretch:
        rate = self.calls_per_second(load)
        return Stretch(
            phase=phase,
            cell=cell,
            load=load,
            calls_per_second=rate,
            calls=max(calls, math.ceil(rate * for_s)),
            warm_up=self._fill(load),
        )

    def _fill(self, load: float) -> int:
        return 0 if self.axis is Axis.RATE else math.ceil(load)


REST_S = 3.0  # from a stretch's last end to the next one's first call
Itinerary = Generator[Stretch, Ended, None]


def itinerary(route: Route) -> Itinerary:
    """The stretches of a run; each is answered by what became of it."""
    purse = _Purse(route)
    for number, cell in enumerate(route.cells):
        purse.share(len(route.cells) - number)
        if route.smoke:
            purse.pay((yield route.fixed(cell)))
        else:
            yield from _one(route, cell, purse)


class _Purse:
    """What is left of the budget, and of the share of it that one cell may use."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._left_s, self._left_calls = route.budget_s, route.budget_calls
        self._cell_s = self._cell_calls = 0.0

    def share(self, cells: int) -> None:
        """Begin a cell, with as many still to come as are left: what it does not use is the others'."""
        self._cell_s, self._cell_calls = self._left_s / cells, self._left_calls / cells

    def pay(self, ended: Ended) -> Ended:
        """Take off what a stretch has cost."""
        self._left_s -= ended.seconds
        self._left_calls -= ended.calls
        self._cell_s -= ended.seconds
        self._cell_calls -= ended.calls
        return ended

    def allows(self, *stretches: Stretch) -> bool:
        """Whether all of these still fit."""
        seconds = sum(self._route.decided_s(each) for each in stretches)
        calls = sum((each.least if each.sequential else each.calls) + each.warm_up for each in stretches)
        return seconds <= self._cell_s and calls <= self._cell_calls


def _one(route: Route, cell: Cell, purse: _Purse) -> Itinerary:
    """The search of one cell, what it found confirmed, and what more than that does to it."""
    first, hold = route.step(Phase.BRACKET, cell, route.start), route.confirm(cell, route.start)
    for size in BURSTS:
        burst = route.burst(cell, size)
        if size > route.ceiling or not purse.allows(burst, first, hold):
            break
        if purse.pay((yield burst)).bad:
            break
    search = Search(
        route.start, route.ceiling, route.floor, route.precision, whole=route.axis is Axis.CONCURRENT
    )
    confirmed = yield from _confirmed(route, cell, search, purse)
    if confirmed is None:
        return
    over = min(confirmed * SHED, route.ceiling)
    shed, recovery = route.shed(cell, over), route.recovery(cell, confirmed)
    if over > confirmed and purse.allows(shed, recovery):
        purse.pay((yield shed))
        purse.pay((yield recovery))


def _confirmed(
    route: Route, cell: Cell, search: Search, purse: _Purse
) -> Generator[Stretch, Ended, float | None]:
    """Search, and hold what was found; a load that does not hold was no pass, so the search goes on below."""
    for _ in range(MOST_CONFIRMS):
        while (asked := search.next()) is not None:
            phase, load = asked
            step = route.step(phase, cell, load)
            low = search.knee.low
            if not purse.allows(step, *([] if low is None else [route.confirm(cell, low)])):
                break
            ended = purse.pay((yield step))
            if ended.dead and load <= route.start / DEAD:  # it is no load that it cannot take
                return None
            search.tell(step.load, ended.decision)
        low = search.knee.low
        if low is None or not purse.allows(hold := route.confirm(cell, low)):
            return None
        ended = purse.pay((yield hold))
        if not ended.doubts(route.share):
            return low
        search.tell(low, ended.decision)
    return None
