"""Whole calls driven by a campaign that is late, is cut, or whose phone dies: one true record each."""

import itertools
from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from sip import phone
from sip.campaign import Campaign, Settings
from sip.fake_phone import FakeClock
from sip.outcome import Outcome, from_status
from sip.phase import Limits
from sip.plan import Dial
from sip.record import CallRecord, Epoch
from tests.sip.wire_model import Fate, Story, WirePhone, punctual

START_S = 100.0
# What happens does so on whole milliseconds, the deadlines are half a one beside: they never meet.
LIMITS = Limits(
    ring_timeout_s=3.0005,
    setup_timeout_s=4.0005,
    hold_s=2.0005,
    invite_s=1.0005,
    final_after_cancel_s=1.0005,
    bye_answer_s=1.0005,
    close_s=0.5005,
)
EXAMPLES = 30
LONGEST_S = 14.0  # all of them one after the other


def after(least_ms: int, most_ms: int) -> st.SearchStrategy[float]:
    """A delay in seconds of whole milliseconds."""
    return st.integers(least_ms, most_ms).map(lambda ms: ms / 1000)


def maybe(least_ms: int, most_ms: int) -> st.SearchStrategy[float | None]:
    """The same, or never."""
    return st.one_of(st.none(), after(least_ms, most_ms))


@st.composite
def legal_stories(draw: st.DrawFn) -> Story:
    """All that a caller may see, whatever it does: silence, refusals, answers, crossings."""
    invite_s = draw(st.one_of(st.just(0.0), after(0, 1500)))
    goodbyes = {"cancel_takes_s": draw(maybe(0, 1500)), "bye_takes_s": draw(maybe(0, 1500))}
    final_s = draw(maybe(2, 9000))
    if final_s is not None and draw(st.booleans()) and draw(st.booleans()):
        status = draw(st.sampled_from([408, 503]))
        return Story(invite_s=invite_s, final_s=final_s, status=status, is_local=True, **goodbyes)
    before_ms = 9000 if final_s is None else round(final_s * 1000) - 1
    rings_s = tuple(sorted(draw(st.lists(after(1, before_ms), max_size=3))))
    first_ms = round(rings_s[0] * 1000) if rings_s else before_ms
    return Story(
        invite_s=invite_s,
        trying_s=draw(maybe(0, first_ms)),
        rings_s=rings_s,
        final_s=final_s,
        status=draw(st.sampled_from([200, 200, 200, 202, 302, 404, 407, 480, 486, 500, 503, 600, 603])),
        packet_s=draw(maybe(0, 3000)),
        audio_s=draw(maybe(0, 3000)),
        hangs_up_s=draw(maybe(0, 4000)),
        **goodbyes,
    )


stories = st.lists(legal_stories(), min_size=1, max_size=3)
mortal_stories = st.lists(
    st.builds(
        lambda one, dies_s: one if dies_s is None else _mortal(one, dies_s), legal_stories(), maybe(0, 6000)
    ),
    min_size=1,
    max_size=3,
)


def _mortal(one: Story, dies_s: float) -> Story:
    """The same on a phone that dies."""
    values = {name: getattr(one, name) for name in Story.__slots__}
    return Story(**values | {"dies_s": dies_s})


def expected(one: Story) -> Outcome:
    """What the caller's own clock makes of a story."""
    if one.invite_s > LIMITS.invite_s:
        return Outcome.TESTER_FAILED
    rang = bool(one.rings_s) and one.rings_s[0] < LIMITS.setup_timeout_s
    patience_s = one.rings_s[0] + LIMITS.ring_timeout_s if rang else LIMITS.setup_timeout_s
    if one.final_s is None or one.final_s > patience_s:
        return Outcome.UNANSWERED if rang else Outcome.NO_RESPONSE
    if one.answers:
        return Outcome.ANSWERED
    return from_status(one.status, "Because", is_local=one.is_local, rang=rang)


class Driven:
    """Stories played to their end by a campaign whose loop comes `late_s` too late, maybe cut short."""

    def __init__(
        self,
        stories: Sequence[Story],
        *,
        fate: Fate = punctual,
        late_s: Iterator[float] = itertools.repeat(0.0),  # noqa: B008 - it has no state
        cut_s: float | None = None,
    ) -> None:
        clock = FakeClock(START_S)
        self.phone = WirePhone(clock, stories, fate)
        self.stories = stories
        self.by_call: dict[str, list[CallRecord]] = {}
        epoch = Epoch(START_S, 1e9)
        campaign = Campaign(
            self.phone,
            Settings(run_id="r", numbers={"a": "100"}, limits=LIMITS, dial_bound_s=60.0),
            epoch=epoch,
            worker="w",
            on_record=lambda record: self.by_call.setdefault(record.call_id, []).append(record),
        )
        dials = [
            Dial(i, i * 0.25, "a", "clean", 0, warm_up=False, from_user="5") for i in range(len(stories))
        ]
        campaign.place(iter(dials), start_s=START_S)
        self.turns = 0
        while not campaign.done:
            wake_s = campaign.step(clock.now_s)
            if cut_s is not None and clock.now_s >= START_S + cut_s:
                campaign.abort(clock.now_s)
                cut_s = None
            self.turns += 1
            assert self.turns < 1000, "a call waits for ever"
            if not campaign.done:
                self.phone.wait(max(wake_s - clock.now_s, 0.0))
                clock.now_s += next(late_s)

    def each(self) -> Iterator[tuple[Story, CallRecord]]:
        """Every story that was begun, with its one record."""
        for number, one in enumerate(self.stories):
            if records := self.by_call.get(f"r-{number}"):
                (record,) = records
                yield one, record


def check_order(record: CallRecord) -> None:
    """What follows from another has come after it; packets may still come after a BYE."""
    signalling = (
        record.invite_s,
        record.trying_s,
        record.ringing_s,
        record.answered_s,
        record.bye_s,
        record.bye_answered_s,
        record.ended_s,
    )
    media = (record.answered_s, record.first_packet_s, record.first_audio_s, record.ended_s)
    for chain in (signalling, media):
        known = [stamp for stamp in chain if stamp is not None]
        assert known == sorted(known)


def check_commands(driven: Driven) -> None:
    """No command contradicts another, nor what was heard before it."""
    for call_id, commands in driven.phone.commands.items():
        assert all(commands.count(one) <= 1 for one in commands)
        assert commands == [one for one in ("cancel", "bye", "drop") if one in commands]
        heard = driven.phone.heard[call_id]
        if "bye" in commands:
            assert any(isinstance(event, phone.Answered) for event in heard)


def check_truth(driven: Driven) -> None:
    """A record has no time at which nothing happened."""
    names = {
        phone.InviteSent: "invite_s",
        phone.Trying: "trying_s",
        phone.Ringing: "ringing_s",
        phone.Answered: "answered_s",
        phone.CancelSent: "cancel_s",
        phone.ByeSent: "bye_s",
        phone.ByeAnswered: "bye_answered_s",
    }
    for _, record in driven.each():
        for kind, name in names.items():
            times = [
                event.at_s - START_S
                for event in driven.phone.happened.get(record.call_id, ())
                if isinstance(event, kind)
            ]
            assert getattr(record, name) is None or getattr(record, name) in times


lateness = st.one_of(st.just([0.0]), st.lists(st.floats(0, 3), min_size=1, max_size=10))


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories, lateness)
def test_a_campaign_that_comes_late_changes_no_outcome(stories: list[Story], lateness: list[float]) -> None:
    """The stamps decide, not the moment at which they are read: what is late is only what it commands."""
    driven = Driven(stories, late_s=itertools.cycle(lateness))

    check_commands(driven)
    check_truth(driven)
    records = [record for _, record in driven.each()]
    assert [record.outcome for record in records] == [expected(one) for one in stories]
    for record in records:
        assert record.ended_s is not None
        if lateness == [0.0]:
            check_order(record)
            assert record.ended_s - record.due_s <= LONGEST_S


@settings(max_examples=EXAMPLES, deadline=None)
@given(mortal_stories, maybe(0, 8000))
def test_phones_that_die_and_runs_that_are_cut_leave_one_record_a_call(
    stories: list[Story], cut_s: float | None
) -> None:
    """Whatever was seen before stays; what could not be seen is the tester's failure, with its reason."""
    driven = Driven(stories, cut_s=cut_s)

    check_commands(driven)
    check_truth(driven)
    for one, record in driven.each():
        assert record.outcome in {expected(one), Outcome.TESTER_FAILED}
        assert (record.error is not None) == (record.outcome is Outcome.TESTER_FAILED)
        check_order(record)
    assert cut_s is not None or len(list(driven.each())) == len(stories)


fates = st.sampled_from([(0.0,)] * 4 + [(), (0.0, 0.3), (0.5,), (2.0,), (0.0, 2.0, 4.0)])


@settings(max_examples=EXAMPLES, deadline=None)
@given(mortal_stories, st.lists(fates, min_size=1, max_size=12), maybe(0, 8000))
def test_events_lost_repeated_delayed_and_out_of_order_still_leave_one_record_a_call(
    stories: list[Story], fates: list[tuple[float, ...]], cut_s: float | None
) -> None:
    """No command contradicts another, no time is made up, and nothing waits for ever."""
    each = itertools.cycle(fates)
    driven = Driven(stories, fate=lambda _: next(each), cut_s=cut_s)

    check_commands(driven)
    check_truth(driven)
    for _, record in driven.each():
        assert (record.error is not None) == (record.outcome is Outcome.TESTER_FAILED)
        assert record.ended_s is not None
        assert record.ended_s - record.due_s <= LONGEST_S
        if record.outcome is Outcome.ANSWERED:
            assert record.answered_s is not None
    assert cut_s is not None or len(list(driven.each())) == len(stories)
