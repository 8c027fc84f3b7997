"""Where a capacity run goes, against systems that carry a known load."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from capacity.itinerary import itinerary
from capacity.route import Route
from capacity.sequential import LEAST_S
from capacity.step import Decision, Phase
from capacity.stretch import Axis, Cell, Ended, Stretch
from tests.capacity.usual_route import ONE, ROUTE

SHOWN = (Phase.BURST, Phase.SHED, Phase.RECOVERY)

System = Callable[[Stretch], Decision]


def carrying(knee: float) -> System:
    """A system that takes every load up to its knee."""
    return lambda stretch: Decision.PASSED if stretch.load <= knee else Decision.FAILED


def travelled(route: Route, system: System) -> list[tuple[Stretch, Decision]]:
    """The stretches of a run, and what the system made of each; it answers four calls at once."""
    going, taken = itinerary(route), []
    stretch = next(going, None)
    while stretch is not None:
        decision = system(stretch)
        taken.append((stretch, decision))
        calls = stretch.least if stretch.sequential else stretch.calls
        bad = 0 if decision is not Decision.FAILED else 3
        if stretch.phase is Phase.BURST:
            bad = max(stretch.calls - 4, 0)
        shown = Decision.DONE if stretch.phase in SHOWN else decision
        try:
            stretch = going.send(Ended(shown, calls, route.decided_s(stretch), bad, calls))
        except StopIteration:
            break
    return taken


def phases(taken: list[tuple[Stretch, Decision]]) -> list[Phase]:
    """Their phases, each once where it is repeated."""
    found = [stretch.phase for stretch, _ in taken]
    return [phase for place, phase in enumerate(found) if place == 0 or found[place - 1] is not phase]


@pytest.mark.parametrize("knee", [0.1, 0.9, 3.3, 9.0])
def test_a_run_brackets_the_knee_halves_it_and_confirms_what_it_found(knee: float) -> None:
    """Bursts first, then the search, the hold at the last pass, too much for a while, and back."""
    taken = travelled(ROUTE, carrying(knee))
    assert phases(taken) == [
        Phase.BURST,
        Phase.BRACKET,
        Phase.BISECT,
        Phase.CONFIRM,
        Phase.SHED,
        Phase.RECOVERY,
    ]
    tried = {stretch.load: decision for stretch, decision in taken if stretch.phase not in SHOWN}
    low = max(load for load, decision in tried.items() if decision is Decision.PASSED)
    high = min(load for load, decision in tried.items() if decision is Decision.FAILED)
    assert low <= knee < high <= low * ROUTE.precision
    by_phase = {stretch.phase: stretch for stretch, _ in taken}
    assert by_phase[Phase.CONFIRM].load == by_phase[Phase.RECOVERY].load == low
    assert by_phase[Phase.SHED].load == pytest.approx(min(1.5 * low, ROUTE.ceiling))


def test_bursts_double_until_one_is_too_much_and_never_beyond_the_ceiling() -> None:
    """The first burst with a bad call is the last one."""
    sizes = [each.calls for each, _ in travelled(ROUTE, carrying(1)) if each.phase is Phase.BURST]
    assert sizes == [2, 4, 8]
    low = replace(ROUTE, ceiling=5.0)
    assert [each.calls for each, _ in travelled(low, carrying(1)) if each.phase is Phase.BURST] == [2, 4]


def test_a_system_that_carries_all_that_may_be_asked_is_confirmed_at_the_ceiling() -> None:
    """No load above it is tried, so nothing is shed either."""
    taken = travelled(ROUTE, carrying(1000))
    assert max(stretch.load for stretch, _ in taken if stretch.phase is not Phase.BURST) == ROUTE.ceiling
    assert taken[-1][0].phase is Phase.CONFIRM
    assert taken[-1][0].load == ROUTE.ceiling


def test_a_system_that_is_down_is_not_searched() -> None:
    """Where not one call is good at a quarter of the load either, there is no load to look for."""
    going = itinerary(ROUTE)
    burst = next(going)
    step = going.send(Ended(Decision.DONE, burst.calls, 60.0, bad=2, judged=2))
    assert (burst.phase, step.phase) == (Phase.BURST, Phase.BRACKET)
    dead = Ended(Decision.FAILED, step.calls, 60.0, bad=6, judged=6)
    assert [going.send(dead).load for _ in range(2)] == [ROUTE.start / 2, ROUTE.start / 4]
    with pytest.raises(StopIteration):
        going.send(dead)


def test_a_hold_that_fails_sends_the_search_below() -> None:
    """A longer look shows what a short one missed; the load is no pass then."""

    def system(stretch: Stretch) -> Decision:
        knee = 0.75 if stretch.phase is Phase.CONFIRM else 1.0
        return Decision.PASSED if stretch.load <= knee else Decision.FAILED

    taken = travelled(ROUTE, system)
    held = [(stretch.load, decision) for stretch, decision in taken if stretch.phase is Phase.CONFIRM]
    assert [decision for _, decision in held][-1] is Decision.PASSED
    assert [load for load, _ in held] == sorted((load for load, _ in held), reverse=True)
    assert held[-1][0] <= 0.75


@pytest.mark.parametrize("minutes", [8, 12, 20])
def test_a_run_keeps_to_its_budget_and_leaves_time_for_the_hold(minutes: float) -> None:
    """What no longer fits beside the confirming hold is not begun."""
    route = replace(ROUTE, budget_s=60 * minutes)
    assert route.least_s <= route.budget_s
    taken = travelled(route, carrying(0.9))
    assert sum(route.decided_s(stretch) for stretch, _ in taken) <= route.budget_s
    assert Phase.CONFIRM in phases(taken)


def test_a_load_that_is_hard_to_decide_does_not_use_up_what_the_hold_takes() -> None:
    """A step ends undecided where more of its calls would be more than the budget."""
    route = replace(ROUTE, budget_s=10 * 60.0)
    going, spent_s, phases_seen = itinerary(route), 0.0, []
    stretch = next(going)
    while True:
        hard = stretch.phase is Phase.BISECT
        calls = stretch.calls if hard or not stretch.sequential else stretch.least
        decision = Decision.UNDECIDED if hard else Decision.PASSED if stretch.load <= 1 else Decision.FAILED
        seconds = calls / stretch.calls_per_second + route.hold_s
        spent_s += seconds
        phases_seen.append(stretch.phase)
        try:
            stretch = going.send(Ended(decision, calls, seconds, 0, calls))
        except StopIteration:
            break
    assert spent_s <= route.budget_s
    assert Phase.BISECT in phases_seen
    assert Phase.CONFIRM in phases_seen


def test_cells_are_searched_one_after_the_other_with_an_equal_share_of_the_budget() -> None:
    """A slow first arm does not use up what the second one is to have."""
    other = Cell("unbounded", "clean")
    route = replace(ROUTE, cells=(ONE, other), budget_s=24 * 60.0)
    taken = travelled(route, carrying(0.2))
    cells = [stretch.cell for stretch, _ in taken]
    assert cells == sorted(cells, key=[ONE, other].index)
    spent = sum(route.decided_s(stretch) for stretch, _ in taken if stretch.cell == ONE)
    assert spent <= 12 * 60.0
    assert other in cells


def test_a_smoke_test_is_one_stretch_a_cell() -> None:
    """As many calls as show a share of 5 % where all are clean."""
    ((stretch, _),) = travelled(replace(ROUTE, smoke=True, confirm_calls=0), carrying(1))
    assert (stretch.phase, stretch.load, stretch.calls) == (Phase.SMOKE, 0.5, 59)


def test_conversations_at_once_arrive_at_as_many_in_each_hold_after_a_fill() -> None:
    """Little's law: those of the first hold fill up and are not judged."""
    route = replace(ROUTE, axis=Axis.CONCURRENT, hold_s=20.0)
    step = route.step(Phase.BRACKET, ONE, 30.0)
    assert step.calls_per_second == pytest.approx(1.5)
    assert step.warm_up == 30
    assert step.least >= 1.5 * LEAST_S


@pytest.mark.parametrize(
    ("decision", "bad", "doubted"),
    [
        (Decision.FAILED, 16, True),
        (Decision.UNDECIDED, 5, True),
        (Decision.UNDECIDED, 4, False),
        (Decision.PASSED, 3, False),
        (Decision.NOT_VALID, 100, False),
    ],
)
def test_a_hold_takes_a_pass_back_where_it_gives_reason_to_doubt(
    decision: Decision, bad: int, *, doubted: bool
) -> None:
    """Half of what may be bad is the line; what a tester in trouble saw is no reason."""
    assert Ended(decision, 160, 160.0, bad=bad, judged=160).doubts(0.05) is doubted
