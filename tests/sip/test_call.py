"""One call's life."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import phone
from sip.call import Call
from sip.heard import Heard, RtpStats
from sip.outcome import Outcome
from sip.phase import Command, Limits, Phase
from sip.plan import Dial
from sip.record import CallRecord, Epoch

LIMITS = Limits(ring_timeout_s=10, setup_timeout_s=3, hold_s=5)
EPOCH = Epoch(100.0, 1e9)
RTP = RtpStats(250, 250, 0, 0, 0, 1.0, None)
HEARD = Heard(
    late=0,
    burst_ratio=None,
    gap_s=0.02,
    audible_s=2.5,
    last_audible_s=106.5,
    clipped_share=0.0,
    phrases=2,
    unanswered=0,
    waiting_s=None,
    talk_over_s=0.0,
    strangers=0,
    far_end_lost=0,
)


def call() -> Call:
    """A call that was ordered when it was due, 1 s after the file's start."""
    dial = Dial(0, 1.0, "bounded", "clean", 3, warm_up=False, from_user="5")
    return Call(dial, call_id="c", number="100", due_s=101.0, ordered_s=101.0, limits=LIMITS)


def record(ended: Call, *, measures_audio: bool = True) -> CallRecord:
    """The record of a call that must have ended."""
    assert ended.ended
    return ended.record(epoch=EPOCH, worker="w", measures_audio=measures_audio)


def feed(one: Call, *events: phone.Event) -> list[Command]:
    """Give it the events; the commands it answered with."""
    return [command for event in events if (command := one.handle(event))]


def ringing() -> Call:
    """A call that rings since 101.3 s."""
    one = call()
    feed(
        one,
        phone.InviteSent("c", 101.1, "x@y"),
        phone.Trying("c", 101.2),
        phone.Ringing("c", 101.3, 180, "Ringing"),
    )
    return one


def answered() -> Call:
    """A call that was answered at 102 s."""
    one = ringing()
    feed(one, phone.Answered("c", 102.0, 200, "OK", "tag"))
    return one


def rejected(at_s: float, status: int, *, is_local: bool = False) -> phone.Rejected:
    """A final status other than 2xx."""
    return phone.Rejected("c", at_s, status, "Because", is_local, "tag")


def test_an_answered_call_is_held_and_hung_up() -> None:
    """The hold counts from the 200, and every stamp of the record from the file's start."""
    one = answered()
    feed(one, phone.FirstPacket("c", 102.1), phone.FirstAudio("c", 102.5))

    assert one.expire(106.9) is None
    assert one.expire(107.0) is Command.BYE
    feed(one, phone.ByeSent("c", 107.01), phone.ByeAnswered("c", 107.02), phone.Closed("c", 107.03, RTP))

    kept = record(one)
    assert kept.outcome is Outcome.ANSWERED
    assert kept.ended_by == "caller"
    assert kept.silent is False
    assert kept.rtp == RTP
    assert kept.due_unix == pytest.approx(1e9 + 1)
    stamps = (kept.due_s, kept.invite_s, kept.trying_s, kept.ringing_s, kept.answered_s, kept.first_packet_s)
    assert stamps == pytest.approx((1.0, 1.1, 1.2, 1.3, 2.0, 2.1))
    assert (kept.first_audio_s, kept.bye_s, kept.bye_answered_s, kept.ended_s) == pytest.approx(
        (2.5, 7.01, 7.02, 7.03)
    )


def test_an_answered_call_without_audible_audio_is_silent() -> None:
    """Silence is told from audio that was not measured."""
    one = answered()
    feed(one, phone.FirstPacket("c", 102.1), phone.FarEndBye("c", 103.0), phone.Closed("c", 103.0, RTP))

    assert record(one).silent is True
    assert record(one, measures_audio=False).silent is None
    assert record(one).ended_by == "callee"


def test_what_was_heard_of_a_call_is_kept_with_its_moment_counted_from_the_files_start() -> None:
    """The answers to the phrases in their order, beside what is told when the line is let go."""
    one = answered()
    feed(one, phone.Response("c", 104.0, 0.4), phone.Response("c", 106.0, 0.3))
    one.expire(107.0)
    feed(one, phone.ByeSent("c", 107.0), phone.ByeAnswered("c", 107.0), phone.Closed("c", 107.0, RTP, HEARD))

    kept = record(one)
    assert kept.response_s == (0.4, 0.3)
    assert kept.heard == replace(HEARD, last_audible_s=6.5)


def test_a_call_that_rings_for_too_long_is_cancelled() -> None:
    """The ring timeout counts from the first 18x: repeated ones do not move it."""
    one = ringing()
    feed(one, phone.Ringing("c", 105.0, 180, "Ringing"))

    assert one.expire(111.2) is None
    assert one.expire(111.3) is Command.CANCEL
    feed(one, phone.CancelSent("c", 111.31), rejected(111.32, 487), phone.Closed("c", 111.32, None))

    kept = record(one)
    assert kept.outcome is Outcome.UNANSWERED
    assert kept.sip_status == 487
    assert (kept.cancel_s, kept.ringing_s) == pytest.approx((11.31, 1.3))


def test_a_cancel_that_nobody_answers_leaves_an_unanswered_call() -> None:
    """The far end's silence after the CANCEL is bounded and does not change the outcome."""
    one = ringing()
    one.expire(111.3)

    assert one.expire(111.3 + LIMITS.final_after_cancel_s) is Command.DROP
    feed(one, rejected(117.0, 487, is_local=True), phone.Closed("c", 117.0, None))

    assert record(one).outcome is Outcome.UNANSWERED


def test_a_200_that_crosses_the_cancel_is_hung_up_and_counts_as_unanswered() -> None:
    """The caller had given up: the answer came after the ring timeout."""
    one = ringing()
    one.expire(111.3)

    assert feed(one, phone.Answered("c", 111.35, 200, "OK", "t")) == [Command.BYE]
    feed(one, phone.ByeSent("c", 111.36), phone.ByeAnswered("c", 111.37), phone.Closed("c", 111.37, RTP))

    kept = record(one)
    assert kept.outcome is Outcome.UNANSWERED
    assert kept.answered_s == pytest.approx(11.35)


def test_a_200_stamped_before_the_ring_timeout_counts_as_answered_even_if_seen_after_it() -> None:
    """The worker's stamp decides, not the moment at which the campaign came to read it."""
    one = ringing()
    one.expire(111.4)

    assert feed(one, phone.Answered("c", 111.29, 200, "OK", "t")) == [Command.BYE]
    feed(one, phone.ByeAnswered("c", 111.5), phone.Closed("c", 111.5, RTP))

    assert record(one).outcome is Outcome.ANSWERED


def test_a_rejection_stamped_before_the_ring_timeout_keeps_its_own_outcome() -> None:
    """A 486 that crosses our CANCEL is the far end's 486."""
    one = ringing()
    one.expire(111.4)
    feed(one, rejected(111.2, 486), phone.Closed("c", 111.2, None))

    assert record(one).outcome is Outcome.AGENT_FAILED


def test_a_call_without_any_18x_ends_at_the_setup_timeout() -> None:
    """It counts from the INVITE; a 100 does not stop it."""
    one = call()
    feed(one, phone.InviteSent("c", 101.1, "x@y"), phone.Trying("c", 101.2))

    assert one.expire(104.0) is None
    assert one.expire(104.1) is Command.CANCEL
    feed(one, rejected(104.2, 487), phone.Closed("c", 104.2, None))

    assert record(one).outcome is Outcome.NO_RESPONSE


@pytest.mark.parametrize(
    ("status", "is_local", "outcome"),
    [(486, False, Outcome.AGENT_FAILED), (503, False, Outcome.OVERLOADED), (503, True, Outcome.NO_RESPONSE)],
)
def test_a_rejection_is_judged_by_its_status_and_by_who_made_it(
    status: int, is_local: bool, outcome: Outcome
) -> None:
    """What our own stack invents is marked and never taken for the far end's word."""
    one = ringing()
    feed(one, rejected(102.0, status, is_local=is_local), phone.Closed("c", 102.0, None))

    kept = record(one)
    assert kept.outcome is outcome
    assert kept.status_is_local is is_local


def test_a_call_that_the_phone_hangs_up_by_itself_was_ended_by_the_caller() -> None:
    """Where the answer left nothing to talk on; the BYE's answer is awaited like any other's."""
    one = answered()
    feed(one, phone.ByeSent("c", 102.1))

    assert one.expire(102.1 + LIMITS.bye_answer_s) is Command.DROP
    feed(one, phone.Closed("c", 107.2, None))
    kept = record(one)
    assert (kept.outcome, kept.silent, kept.ended_by) == (Outcome.ANSWERED, True, "caller")


def test_a_far_end_that_hangs_up_while_it_rings_has_failed() -> None:
    """No status says so: the BYE's own answer is none of the INVITE."""
    one = ringing()
    feed(one, phone.FarEndBye("c", 102.0), phone.Closed("c", 102.0, None))

    kept = record(one)
    assert (kept.outcome, kept.sip_status, kept.ended_by) == (Outcome.AGENT_FAILED, None, "callee")


def test_a_call_whose_phone_died_is_the_testers_failure_with_its_reason() -> None:
    """Even where the far end had answered."""
    one = answered()
    feed(one, phone.Lost("c", 103.0, "worker died"))

    kept = record(one)
    assert (kept.outcome, kept.error, kept.ended_by) == (Outcome.TESTER_FAILED, "worker died", "tester")


def test_the_phones_death_after_the_end_was_seen_changes_nothing() -> None:
    """The wire had said how the call ended."""
    one = ringing()
    feed(one, rejected(102.0, 486), phone.Lost("c", 102.1, "worker died"))

    assert record(one).outcome is Outcome.AGENT_FAILED


@pytest.mark.parametrize(("one", "ends"), [(ringing, Command.CANCEL), (answered, Command.BYE)])
def test_a_call_whose_voice_is_lost_is_ended_as_it_should_be_and_is_the_testers_failure(
    one: Callable[[], Call], ends: Command
) -> None:
    """What was to be measured of it cannot be any more."""
    lost = one()

    assert feed(lost, phone.MediaLost("c", 103.0, "pump died"), phone.Closed("c", 103.1, None)) == [ends]

    kept = record(lost)
    assert (kept.outcome, kept.error, kept.ended_by) == (Outcome.TESTER_FAILED, "pump died", "tester")


def test_a_voice_that_is_lost_after_the_caller_gave_up_or_was_refused_changes_nothing() -> None:
    """There was none to be heard."""
    refused, unanswered = ringing(), ringing()
    feed(refused, rejected(102.0, 486), phone.MediaLost("c", 102.1, "pump died"))
    unanswered.expire(unanswered.deadline_s)
    feed(unanswered, phone.MediaLost("c", 112.0, "pump died"), phone.Closed("c", 112.1, None))

    refused.expire(refused.deadline_s)
    assert record(refused).outcome is Outcome.AGENT_FAILED
    assert record(unanswered).outcome is Outcome.UNANSWERED


def test_an_order_that_no_invite_follows_is_the_testers_failure() -> None:
    """A stuck phone does not hold the campaign up."""
    one = call()

    assert one.expire(101.0 + LIMITS.invite_s) is Command.DROP
    one.expire(one.deadline_s)

    kept = record(one)
    assert kept.outcome is Outcome.TESTER_FAILED
    assert kept.error == "no INVITE left within 5 s of the order"


def test_cutting_the_run_hangs_up_what_is_up_and_cancels_what_rings() -> None:
    """An answered call stays answered, one that rang on is the tester's failure."""
    up, rings = answered(), ringing()

    assert (up.abort(103.0), rings.abort(103.0)) == (Command.BYE, Command.CANCEL)
    feed(up, phone.ByeAnswered("c", 103.1), phone.Closed("c", 103.1, RTP))
    feed(rings, rejected(103.1, 487), phone.Closed("c", 103.1, None))

    assert (record(up).outcome, record(up).ended_by) == (Outcome.ANSWERED, "tester")
    assert (record(rings).outcome, record(rings).ended_by) == (Outcome.TESTER_FAILED, "tester")
    assert up.abort(104.0) is None


def test_a_200_after_the_ring_timeout_is_too_late_even_if_nobody_had_looked_at_the_clock() -> None:
    """A busy tester does not make a patient caller: the call is hung up, and was unanswered."""
    one = ringing()

    assert feed(one, phone.Answered("c", 111.31, 200, "OK", "t")) == [Command.BYE]
    feed(one, phone.ByeAnswered("c", 111.5), phone.Closed("c", 111.5, RTP))

    assert record(one).outcome is Outcome.UNANSWERED


def test_an_18x_after_the_setup_timeout_is_too_late_even_if_nobody_had_looked_at_the_clock() -> None:
    """It is on record, and the call is cancelled as it would have been."""
    one = call()
    feed(one, phone.InviteSent("c", 101.1, "x@y"))

    assert feed(one, phone.Ringing("c", 104.2, 180, "Ringing")) == [Command.CANCEL]
    feed(one, rejected(104.3, 487), phone.Closed("c", 104.3, None))

    kept = record(one)
    assert (kept.outcome, kept.ringing_s) == (Outcome.NO_RESPONSE, pytest.approx(4.2))


def test_a_call_cancelled_for_want_of_a_ring_that_had_come_is_the_testers_failure() -> None:
    """The 18x was in time, but on its way through the tester when the setup timeout fired."""
    one = call()
    feed(one, phone.InviteSent("c", 101.1, "x@y"))
    one.expire(104.1)
    feed(one, phone.Ringing("c", 104.05, 180, "Ringing"), rejected(104.3, 487))
    feed(one, phone.Closed("c", 104.3, None))

    kept = record(one)
    assert kept.outcome is Outcome.TESTER_FAILED
    assert kept.error == "it rang in time, but was cancelled before that was heard of"


def test_a_200_that_is_heard_of_after_the_far_ends_bye_was_an_answer_all_the_same() -> None:
    """What is known of the end does not hide what was before it."""
    one = ringing()
    feed(one, phone.FarEndBye("c", 103.0), phone.Answered("c", 102.0, 200, "OK", "t"))
    feed(one, phone.Closed("c", 103.0, RTP))

    kept = record(one)
    assert (kept.outcome, kept.answered_s, kept.ended_by) == (Outcome.ANSWERED, pytest.approx(2.0), "callee")


times = st.floats(100, 130)
events = st.one_of(
    st.builds(phone.InviteSent, st.just("c"), times, st.just("x@y")),
    st.builds(phone.Trying, st.just("c"), times),
    st.builds(phone.Ringing, st.just("c"), times, st.sampled_from([180, 183]), st.just("Ringing")),
    st.builds(phone.Answered, st.just("c"), times, st.just(200), st.just("OK"), st.none()),
    st.builds(
        phone.Rejected,
        st.just("c"),
        times,
        st.sampled_from([302, 404, 486, 487, 503, 603]),
        st.text(max_size=5),
        st.booleans(),
        st.none(),
    ),
    st.builds(phone.FirstPacket, st.just("c"), times),
    st.builds(phone.FirstAudio, st.just("c"), times),
    st.builds(phone.CancelSent, st.just("c"), times),
    st.builds(phone.ByeSent, st.just("c"), times),
    st.builds(phone.ByeAnswered, st.just("c"), times),
    st.builds(phone.FarEndBye, st.just("c"), times),
    st.builds(phone.Closed, st.just("c"), times, st.none()),
    st.builds(phone.Lost, st.just("c"), times, st.just("worker died")),
    st.builds(phone.MediaLost, st.just("c"), times, st.just("pump died")),
)
steps = st.lists(st.one_of(events, times, st.just("abort")), max_size=20)


@given(steps)
def test_whatever_happens_in_whatever_order_the_call_ends_in_one_consistent_record(
    steps: list[phone.Event | float | str],
) -> None:
    """Events lost, doubled or out of order: the phase never goes back, and its deadlines alone end a call."""
    one = call()
    phases = [one.phase]
    for step in steps:
        if isinstance(step, float):
            one.expire(step)
        elif isinstance(step, str):
            one.abort(110.0)
        else:
            one.handle(step)
        phases.append(one.phase)
    for _ in range(5):
        one.expire(one.deadline_s)
        phases.append(one.phase)

    order = list(Phase)
    assert all(order.index(a) <= order.index(b) for a, b in itertools.pairwise(phases))
    kept = record(one)
    assert one.handle(phone.Answered("c", 140.0, 200, "OK", None)) is None
    assert record(one) == kept
    assert (kept.error is not None) == (kept.outcome is Outcome.TESTER_FAILED)
    if kept.outcome is Outcome.ANSWERED:
        assert kept.answered_s is not None
    if kept.outcome is Outcome.UNANSWERED:
        assert kept.ringing_s is not None
