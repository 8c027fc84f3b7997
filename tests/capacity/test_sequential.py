"""When the evidence of a step is enough, and how often it misleads."""

from collections import Counter
from collections.abc import Sequence

import pytest
from scipy import stats

from capacity.criterion import DEFAULT, read
from capacity.sequential import ALPHA, Trial, _Ledger, clean_calls, look, look_calls
from capacity.step import Decision, Tally

ONE = read("not_answered<=0.05")
BOTH = read(DEFAULT)


def taken(trial: Trial, bads: Sequence[bool]) -> Trial:
    """The trial of one criterion after these calls."""
    for bad in bads:
        trial.add((bad,))
    return trial


@pytest.mark.parametrize(("share", "calls"), [(0.05, 64), (0.02, 162), (0.01, 326)])
def test_clean_calls_pass_after_a_known_number(share: float, calls: int) -> None:
    """One fewer does not pass."""
    criteria = read(f"not_answered<={share}")
    assert clean_calls(criteria) == calls
    trial = taken(Trial(criteria, least=0), [False] * (calls - 1))
    assert trial.decision is None
    assert taken(trial, [False]).decision is Decision.PASSED


def test_a_pass_waits_for_the_least_calls() -> None:
    """However clean: a queue takes time to show."""
    trial = taken(Trial(ONE, least=100), [False] * 99)
    assert trial.decision is None
    assert taken(trial, [False]).decision is Decision.PASSED


def test_what_is_bad_throughout_fails_after_three_calls() -> None:
    """And the criteria that broke are named."""
    trial = Trial(BOTH, least=100)
    for _ in range(3):
        assert trial.decision is None
        trial.add((False, True))
    assert trial.decision is Decision.FAILED
    assert trial.broken == ("ring_to_answer_p95_s<=3",)
    assert trial.tallies == (Tally("not_answered<=0.05", 3, 0), Tally("ring_to_answer_p95_s<=3", 3, 3))


def test_a_single_bad_call_delays_a_pass_and_does_not_prevent_it() -> None:
    """Strays happen at any load."""
    trial = taken(Trial(ONE, least=0, most=200), [False] * 30 + [True] + [False] * 169)
    assert trial.decision is Decision.PASSED
    assert trial.calls > clean_calls(ONE)


def test_without_a_decision_the_most_calls_end_a_step() -> None:
    """At the limit itself nothing can be shown."""
    trial = taken(Trial(ONE, least=50, most=100), ([False] * 19 + [True]) * 6)
    assert (trial.decision, trial.calls) == (Decision.UNDECIDED, 100)


def test_calls_after_the_decision_change_nothing() -> None:
    """Those in the air when a step is decided are no evidence for or against it."""
    trial = taken(Trial(ONE, least=0), [False] * 64)
    taken(trial, [True] * 50)
    assert trial.decision is Decision.PASSED
    assert trial.tallies == (Tally("not_answered<=0.05", 64, 0),)


def test_quick_answers_do_not_come_first() -> None:
    """Calls are judged in the order in which they were due, up to the first of which nothing is known."""
    trial = Trial(ONE, least=0)
    for place in range(1, 80):
        trial.tell(place, (False,))
    assert (trial.decision, trial.calls) == (None, 0)
    trial.tell(0, (True,))
    assert trial.calls == 80


def test_what_is_known_of_a_call_stays() -> None:
    """A second word on it is not heard."""
    trial = Trial(ONE, least=0)
    trial.tell(1, (True,))
    trial.tell(1, (False,))
    trial.tell(0, (None,))
    trial.tell(0, (False,))
    assert trial.tallies == (Tally("not_answered<=0.05", 2, 1),)


def test_a_late_call_fails_a_step_before_it_ends() -> None:
    """A criterion does not wait for what another one needs: no answer is known at the ring timeout only."""
    trial = Trial(BOTH, least=0)
    for place in range(3):
        trial.tell(place, (None, True))
    assert trial.decision is Decision.FAILED


def chances(share: float, criteria: int, most: int) -> dict[Decision, float]:
    """The exact chances to pass and to fail within `most` calls, each bad with the chance `share`."""
    ledger = _Ledger(ONE[0])
    ended = {Decision.PASSED: 0.0, Decision.FAILED: 0.0}
    live = {0: 1.0}  # the chance of so many bad calls, with no decision yet
    for n in range(1, most + 1):
        reached: Counter[int] = Counter()
        for bad, chance in live.items():
            reached[bad] += chance * (1 - share)
            reached[bad + 1] += chance * share
        live = {}
        for bad, chance in reached.items():
            ledger.n, ledger.bad = n, bad
            if ledger.is_broken(ALPHA / criteria):
                ended[Decision.FAILED] += chance
            elif ledger.holds(ALPHA):
                ended[Decision.PASSED] += chance
            else:
                live[bad] = chance
    return ended


@pytest.mark.parametrize("criteria", [1, 2])
def test_a_share_at_the_limit_misleads_no_more_often_than_it_may(criteria: int) -> None:
    """With a look after every one of 1,000 calls: exactly, by summing over all that can happen."""
    ended = chances(ONE[0].share, criteria, 1000)
    assert 0.04 < ended[Decision.PASSED] <= ALPHA
    assert ended[Decision.FAILED] <= ALPHA / criteria


def test_a_share_far_from_the_limit_is_told_from_it() -> None:
    """One call of 100 bad passes, three of 20 fails, within as many calls as a step may take."""
    assert chances(0.01, 2, 256)[Decision.PASSED] > 0.9
    assert chances(0.15, 2, 256)[Decision.FAILED] > 0.99


@pytest.mark.parametrize("bad", [0, 1, 2, 5, 8, 20])
@pytest.mark.parametrize("n", [58, 59, 93, 200, 5000])
def test_one_look_is_an_exact_bound(n: int, bad: int) -> None:
    """Clopper and Pearson's, as scipy has it."""
    upper = stats.beta.ppf(0.95, bad + 1, n - bad)
    lower = stats.beta.ppf(0.05, bad, n - bad + 1) if bad else 0.0
    expected = Decision.FAILED if lower >= 0.05 else Decision.PASSED if upper <= 0.05 else Decision.UNDECIDED
    assert look(ONE, [Tally(ONE[0].name, n, bad)]) is expected


def test_59_clean_calls_pass_one_look() -> None:
    """One fewer does not; no call at all says nothing."""
    assert look_calls(ONE) == 59
    assert look_calls(read("not_answered<=0.02,ring_to_answer_p95_s<=3")) == 149
    assert look(BOTH, [Tally("", 59, 0), Tally("", 59, 0)]) is Decision.PASSED
    assert look(BOTH, [Tally("", 59, 0), Tally("", 58, 0)]) is Decision.UNDECIDED
    assert look(BOTH, [Tally("", 0, 0), Tally("", 0, 0)]) is Decision.UNDECIDED
