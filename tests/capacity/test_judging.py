"""Calls taken in the order in which they were due, each criterion at its own pace."""

from capacity import criterion
from capacity.criterion import Sight
from capacity.judging import Judging
from capacity.step import Tally

CRITERIA = criterion.read("not_answered<=0.05,ring_to_answer_p95_s<=3")
GOOD = Sight(answered=True, over=True, ring_s=0.5, post_dial_delay_s=0.1)
RINGING = Sight(answered=False, over=False, ring_s=4.0, post_dial_delay_s=0.1)
JUST_BEGUN = Sight(answered=False, over=False, ring_s=0.2, post_dial_delay_s=0.1)


def judged(*sights: Sight | None) -> Judging:
    """What is made of calls 0, 1, … of which so much can be seen."""
    judging = Judging(CRITERIA)
    for number in range(len(sights)):
        judging.add(number)
    judging.look(lambda number: sights[number])
    return judging


def test_a_quick_answer_waits_for_the_call_before_it() -> None:
    """Else the calls known first would be the good ones."""
    assert [each.n for each in judged(GOOD, JUST_BEGUN, GOOD, GOOD).tallies] == [1, 1]


def test_a_criterion_does_not_wait_for_what_only_another_must_know() -> None:
    """A call that has rung for too long is late already, answered or not."""
    assert judged(RINGING, GOOD).tallies == (Tally(CRITERIA[0].name, 0, 0), Tally(CRITERIA[1].name, 2, 1))


def test_what_the_tester_failed_is_no_call_of_the_system_s() -> None:
    """It is left out wherever it stands, and holds nobody up."""
    judging = Judging(CRITERIA)
    for number in (7, 8, 9):
        judging.add(number)
    judging.leave_out(8)
    judging.look(lambda _: GOOD)
    assert [each.n for each in judging.tallies] == [2, 2]


def test_a_call_that_was_never_placed_is_not_judged() -> None:
    """A stretch that was decided early leaves dials behind."""
    assert [each.n for each in judged(GOOD, None).tallies] == [1, 1]
