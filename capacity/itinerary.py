"""Where a capacity run goes: stretches of calls, each chosen by what became of those before."""

from collections.abc import Generator
from dataclasses import replace

from capacity.route import BURSTS, Route
from capacity.search import Search
from capacity.step import Phase
from capacity.stretch import Axis, Cell, Ended, Stretch

MOST_CONFIRMS = 3
DEAD = 4.0  # times below its start, not one good call is no matter of load
SHED = 1.5

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

    def capped(self, step: Stretch, hold: Stretch) -> Stretch:
        """A step that leaves what the hold takes, however hard it is to decide."""
        left_s = self._cell_s - self._route.decided_s(hold) - self._route.decided_s(step)
        left_calls = self._cell_calls - (hold.calls + hold.warm_up + step.least + step.warm_up)
        more = min(left_s * step.calls_per_second, left_calls, step.calls)
        return replace(step, calls=min(step.calls, step.least + max(int(more), 0)))


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
            hold = route.confirm(cell, load if low is None else low)
            if not purse.allows(step, *([] if low is None else [hold])):
                break
            ended = purse.pay((yield purse.capped(step, hold)))
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
