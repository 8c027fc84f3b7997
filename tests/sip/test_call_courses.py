"""One call's life against a far end that keeps to RFC 3261, and with what a phone sees of it disturbed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import phone
from sip.call import Call
from sip.outcome import Outcome
from sip.phase import Command, Limits
from sip.plan import Dial
from sip.record import CallRecord, Epoch
from tests.sip.far_end import ORDERED_S, Course, Played, play

LIMITS = Limits(ring_timeout_s=10, setup_timeout_s=3, hold_s=5)
LONGEST_S = sum(
    (
        LIMITS.invite_s,
        LIMITS.setup_timeout_s,
        LIMITS.ring_timeout_s,
        LIMITS.hold_s,
        LIMITS.final_after_cancel_s,
        LIMITS.bye_answer_s,
        LIMITS.close_s,
    )
)
moments = st.floats(0.02, 16.0)
maybe = st.one_of(st.none(), st.floats(0.01, 8.0))
courses = st.builds(
    Course,
    invite_s=st.one_of(st.none(), st.floats(0.0, 6.0)),
    tries=st.booleans(),
    rings_s=st.lists(moments, max_size=4).map(tuple),
    status=st.sampled_from([None, 200, 202, 302, 404, 408, 480, 486, 487, 503, 600, 603]),
    final_s=moments,
    hangs_up_s=maybe,
    crosses_s=st.floats(0.0, 0.5),
    cancel_answered_s=maybe,
    bye_answered_s=maybe,
    closes=st.booleans(),
)


def a_call() -> Call:
    """A call that was ordered when it was due."""
    dial = Dial(0, 1.0, "bounded", "clean", 3, warm_up=False, from_user="5")
    return Call(dial, call_id="c", number="100", due_s=ORDERED_S, ordered_s=ORDERED_S, limits=LIMITS)


def lived(course: Course) -> tuple[Played, CallRecord]:
    """Its life, undisturbed, and its record."""
    call = a_call()
    played = play(course, call)
    return played, record(call)


def record(call: Call) -> CallRecord:
    """What a call that has ended leaves."""
    return call.record(epoch=Epoch(ORDERED_S, 1e9), worker="w", measures_audio=True)


def assert_commands_make_sense(played: Played) -> None:
    """At most one of each, a CANCEL before a BYE, a BYE only for a call that was answered, a DROP last."""
    commands = played.commands
    assert len(commands) == len(set(commands))
    order = [Command.CANCEL, Command.BYE, Command.DROP]
    assert [order.index(each) for each in commands] == sorted(order.index(each) for each in commands)
    if Command.BYE in commands:
        assert any(isinstance(event, phone.Answered) for event in played.handled)


@given(courses)
def test_every_course_that_rfc_3261_allows_ends_as_what_it_is(course: Course) -> None:
    """In one record whose outcome follows from the course alone, its moments in the order of their causes."""
    played, kept = lived(course)

    assert kept.outcome is course.outcome(LIMITS)
    assert_commands_make_sense(played)
    closed = any(isinstance(event, phone.Closed) for event in played.handled)
    assert closed or Command.DROP in played.commands  # no line is held for ever
    moments = [kept.invite_s, kept.trying_s, kept.ringing_s, kept.answered_s, kept.bye_s, kept.ended_s]
    known = [moment for moment in moments if moment is not None]
    if not (kept.cancel_s is not None and kept.answered_s is not None):  # an answer after that is no answer
        assert known == sorted(known)
    assert kept.ended_s is not None
    assert kept.ended_s <= LONGEST_S


@given(courses, st.data())
def test_events_that_are_lost_repeated_late_or_out_of_order_leave_one_record_all_the_same(
    course: Course, data: st.DataObject
) -> None:
    """Within a bounded time, by commands that make sense; an answer in time is never taken back."""
    delays = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 1.0, 6.0]), max_size=2)

    def disturbed(event: phone.Event) -> list[tuple[float, phone.Event]]:
        return [(event.at_s + delay_s, event) for delay_s in data.draw(delays, type(event).__name__)]

    call = a_call()
    played = play(course, call, disturbed, pump_dies_s=data.draw(maybe, "MediaLost"))
    kept = record(call)

    assert_commands_make_sense(played)
    assert played.expiries <= 4
    assert (kept.error is not None) == (kept.outcome is Outcome.TESTER_FAILED)
    assert (kept.outcome is Outcome.ANSWERED) <= (kept.answered_s is not None)
    assert (kept.outcome is Outcome.UNANSWERED) <= (kept.ringing_s is not None and kept.ended_by == "caller")
    assert call.handle(phone.Answered("c", 200.0, 200, "OK", None)) is None
    assert record(call) == kept


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_byes_that_cross_end_the_call_once(first: str) -> None:
    """Either side's is answered by the other; the call was answered, whoever was first."""
    hangs_up_s = LIMITS.hold_s + (0.02 if first == "ours" else -0.02)
    played, kept = lived(Course(hangs_up_s=hangs_up_s, crosses_s=0.04))

    assert kept.outcome is Outcome.ANSWERED
    assert kept.ended_by == ("caller" if first == "ours" else "callee")
    assert played.commands == ([Command.BYE] if first == "ours" else [])


@pytest.mark.parametrize("status", [200, 486])
def test_a_final_response_that_crosses_the_cancel_came_too_late(status: int) -> None:
    """A 200 is acknowledged and hung up (RFC 3261 section 9.1); neither is what the caller waited for."""
    course = Course(rings_s=(0.2,), status=status, final_s=10.22, crosses_s=0.05)
    played, kept = lived(course)

    assert kept.outcome is Outcome.UNANSWERED
    assert played.commands == [Command.CANCEL, *([Command.BYE] if status == 200 else [])]
    assert kept.sip_status == status


def test_all_courses_are_told_apart() -> None:
    """The property above is about every kind of outcome, not about the few that come easily."""
    statuses = {200, 302, 404, 480, 486, 503, 603, None}
    kinds = itertools.product(statuses, [(), (0.2,)], [0.1, None])
    found = {
        Course(status=status, rings_s=rings, invite_s=invite).outcome(LIMITS)
        for status, rings, invite in kinds
    }

    assert found == set(Outcome)
