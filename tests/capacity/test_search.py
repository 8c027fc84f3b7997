"""Which load is tried next, and that the search ends with what is known."""

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.search import Knee, Search
from capacity.step import Decision, Phase

PASSED, FAILED, UNDECIDED, NOT_VALID = (
    Decision.PASSED, Decision.FAILED, Decision.UNDECIDED, Decision.NOT_VALID,
)  # fmt: skip
SAID = (PASSED, FAILED, UNDECIDED, NOT_VALID)
ENOUGH = 200  # steps that no search may need


def tried(search: Search, answer: Callable[[float], Decision]) -> list[float]:
    """The loads that a search tries of a deployment that answers so, until it ends."""
    loads: list[float] = []
    while (asked := search.next()) is not None:
        assert len(loads) < ENOUGH
        loads.append(asked[1])
        search.tell(asked[1], answer(asked[1]))
    return loads


def below(knee: float) -> Callable[[float], Decision]:
    """A deployment that takes any load below its knee."""
    return lambda load: PASSED if load < knee else FAILED


def test_loads_double_while_they_pass_and_the_gap_is_halved_then() -> None:
    """The lowest failure is tried again at the end."""
    search = Search(1, 20, 0.1)
    assert tried(search, below(5)) == [1, 2, 4, 8, 5.66, 5.66]
    assert search.knee == Knee(4, 5.66)


def test_loads_are_halved_while_they_fail() -> None:
    """Down to the floor, and no further."""
    assert tried(Search(1, 20, 0.1, 1.2), below(0.3)) == [1, 0.5, 0.25, 0.354, 0.297, 0.354]
    search = Search(1, 20, 0.1)
    assert tried(search, below(0.01)) == [1, 0.5, 0.25, 0.125, 0.1]
    assert search.knee == Knee(None, 0.1)


def test_the_ceiling_is_tried_and_passing_there_leaves_the_interval_open() -> None:
    """No number that is not known."""
    search = Search(1, 6, 0.1)
    assert tried(search, below(100)) == [1, 2, 4, 6]
    assert search.knee == Knee(6, None)


def test_what_a_step_is_for_is_said() -> None:
    """A bracket while one side is open, then halves of it."""
    search = Search(1, 20, 0.1)
    phases = []
    while (asked := search.next()) is not None:
        phases.append(asked[0])
        search.tell(asked[1], below(1.5)(asked[1]))
    assert phases == [Phase.BRACKET] * 2 + [Phase.BISECT] * 2


def test_an_undecided_load_is_neither_low_nor_high() -> None:
    """Others are tried beside it."""
    search = Search(1, 20, 0.1, 1.2)
    answers = {1.0: PASSED, 2.0: FAILED, 1.41: UNDECIDED, 1.19: PASSED, 1.68: FAILED}
    assert sorted(set(tried(search, answers.__getitem__))) == sorted(answers)
    assert search.knee == Knee(1.19, 1.68)


def test_an_undecided_start_is_bracketed_from_both_sides() -> None:
    """Downwards until one passes, then up in smaller steps."""
    search = Search(1, 20, 0.1)
    answers = {1.0: UNDECIDED, 0.5: PASSED, 1.41: FAILED, 0.707: PASSED}
    tried(search, lambda load: answers.get(load, FAILED))
    assert search.knee == Knee(0.5, 1.41) or search.knee == Knee(0.707, 1.41)


def test_the_tester_s_own_limit_is_a_wall_and_no_failure() -> None:
    """The interval stays open above, and nothing beyond the wall is tried again."""
    search = Search(1, 20, 0.1)
    loads = tried(search, lambda load: NOT_VALID if load >= 4 else PASSED)
    assert loads == [1, 2, 4, 2.83]
    assert search.knee == Knee(2.83, None)
    assert search.wall == 4


def test_a_failure_that_does_not_repeat_is_undecided() -> None:
    """One cluster of slow calls is not a knee; the search goes on above."""
    search = Search(1, 20, 0.1)
    answers = {1.0: [PASSED], 2.0: [FAILED, PASSED], 2.83: [FAILED, FAILED], 1.41: [PASSED]}
    while (asked := search.next()) is not None:
        search.tell(asked[1], answers[asked[1]].pop(0))
    assert search.knee == Knee(1.41, 2.83)
    assert search.contradicted == (2.0,)


@pytest.mark.parametrize("hold", [FAILED, UNDECIDED])
def test_a_hold_that_shows_less_takes_the_pass_back(hold: Decision) -> None:
    """The next lower pass is the low then."""
    search = Search(1, 20, 0.1)
    tried(search, below(2.5))
    assert search.knee == Knee(2, 2.83)
    search.tell(2, hold)
    assert search.knee == Knee(1, 2.83)


def test_a_hold_of_which_nothing_is_valid_takes_nothing_back() -> None:
    """The tester's bad moment says nothing of the deployment."""
    search = Search(1, 20, 0.1)
    tried(search, below(2.5))
    search.tell(2, NOT_VALID)
    assert search.knee == Knee(2, 2.83)


def test_a_pass_above_a_failure_does_not_count_and_is_said() -> None:
    """Callers would notice at the lower load already."""
    search = Search(1, 20, 0.1)
    for load, decision in ((1.0, PASSED), (2.0, FAILED), (4.0, PASSED)):
        search.tell(load, decision)
    assert search.knee == Knee(1, 2)
    assert search.contradicted == (4,)


def test_a_cut_step_ends_the_search_and_says_nothing_of_its_load() -> None:
    """A search that is told the steps before it again goes on there."""
    search = Search(1, 20, 0.1)
    search.tell(1, PASSED)
    search.tell(2, Decision.CUT)
    assert search.next() is None
    resumed = Search(1, 20, 0.1)
    resumed.tell(1, PASSED)
    assert resumed.next() == (Phase.BRACKET, 2)


def test_conversations_at_once_are_whole() -> None:
    """Half a conversation is no load."""
    search = Search(5, 100, 1, 1.01, whole=True)
    loads = tried(search, below(33))
    assert loads == [round(load) for load in loads]
    assert search.knee == Knee(32, 33)


@pytest.mark.parametrize(
    ("start", "ceiling", "floor", "precision"),
    [(1, 0.5, 0.1, 1.5), (1, 2, 0, 1.5), (1, 2, 1.5, 1.5), (1, math.inf, 0.1, 1.5), (1, 2, 0.1, 1.0)],
)
def test_numbers_that_no_search_can_begin_with_are_refused(
    start: float, ceiling: float, floor: float, precision: float
) -> None:
    """With what would do."""
    with pytest.raises(ValueError, match=r"lies between|is above 1"):
        Search(start, ceiling, floor, precision)


def test_a_step_that_decides_nothing_is_none_of_the_search() -> None:
    """A burst, say."""
    with pytest.raises(ValueError, match="done"):
        Search(1, 2, 0.1).tell(1, Decision.DONE)


@given(
    seed=st.integers(0, 10_000),
    floor=st.floats(0.01, 1),
    above=st.floats(1, 100),
    precision=st.floats(1.05, 4),
    whole=st.booleans(),
)
def test_whatever_is_answered_the_search_ends_within_its_bounds(
    seed: int, floor: float, above: float, precision: float, *, whole: bool
) -> None:
    """Loads stay between floor and ceiling, low stays below high, no load is tried more than twice."""
    start = 1.0
    search = Search(start, start * above, floor, precision, whole=whole)
    random = Random(seed)
    loads = tried(search, lambda _: random.choice(SAID))
    assert all(floor <= load <= start * above for load in loads)
    assert max(map(loads.count, loads)) <= 2
    knee = search.knee
    assert knee.low is None or knee.high is None or knee.low < knee.high


@given(knee=st.floats(0.01, 300), precision=st.floats(1.05, 2))
def test_a_deployment_that_answers_truly_is_found_to_the_precision(knee: float, precision: float) -> None:
    """The interval holds the knee, and is as narrow as asked wherever both sides are known."""
    search = Search(1, 100, 0.05, precision)
    tried(search, below(knee))
    low, high = search.knee.low, search.knee.high
    assert low is None or low < knee
    assert high is None or knee <= high
    if low is not None and high is not None:
        assert high / low <= precision * 1.02  # loads are rounded to three digits
