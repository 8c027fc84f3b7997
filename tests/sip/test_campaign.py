"""A campaign on a phone for tests and a clock that only moves when somebody waits."""

import collections
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sip.campaign import Campaign, Settings
from sip.fake_phone import FakeClock, FakePhone, FarEnd
from sip.outcome import Outcome
from sip.phase import Limits
from sip.phone import Order
from sip.plan import Arrivals, Plan
from sip.record import CallRecord, Epoch
from sip.recording import Choice, Recordings, Sample

LIMITS = Limits(ring_timeout_s=10, setup_timeout_s=5, hold_s=3)


@dataclass
class Stage:
    """A campaign with all that it plays on."""

    clock: FakeClock
    phone: FakePhone
    campaign: Campaign
    records: list[CallRecord] = field(default_factory=list)

    def run(self, until_s: float = float("inf")) -> None:
        """Step until all is done or the clock shows `until_s`."""
        while not self.campaign.done and self.clock.now_s < until_s:
            wake_s = min(self.campaign.step(self.clock.now_s), until_s)
            if not self.campaign.done:
                self.phone.wait(wake_s - self.clock.now_s)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many records each outcome has."""
        return dict(collections.Counter(record.outcome.value for record in self.records))


def stage(
    behave: Callable[[Order], FarEnd] = lambda _: FarEnd(),
    *,
    calls: int = 20,
    rate: float = 2.0,
    lines: int = 1000,
    max_concurrent: int | None = None,
    stop_after_failures: int = 50,
    profiles: tuple[str, ...] = ("clean",),
    recorded: tuple[Choice, Path] | None = None,
) -> Stage:
    """A campaign of constant arrivals on two arms, ready to run from 1000 s on."""
    clock = FakeClock(1000.0)
    phone = FakePhone(clock, behave, lines=lines)
    plan = Plan(
        calls=calls,
        calls_per_second=rate,
        arms=("a", "b"),
        seed=1,
        arrivals=Arrivals.CONSTANT,
        profiles=profiles,
    )
    records: list[CallRecord] = []
    recordings = recorded and Recordings(*recorded, seed=1, keep=phone.keep, discard=phone.discard)
    campaign = Campaign(
        phone,
        Settings(
            run_id="run",
            numbers={"a": "100", "b": "200"},
            limits=LIMITS,
            max_concurrent=max_concurrent,
            stop_after_failures=stop_after_failures,
        ),
        epoch=Epoch(990.0, 1.7e9),
        worker="w",
        on_record=records.append,
        recordings=recordings,
    )
    campaign.place(plan.dials(), start_s=1000.0)
    return Stage(clock, phone, campaign, records)


def test_every_dial_is_made_when_it_is_due_and_leaves_one_record() -> None:
    """Calls reach their arm's number as the caller of the plan, and nothing is up at the end."""
    play = stage()
    play.run()

    assert play.outcomes == {"answered": 20}
    assert sorted(record.call_id for record in play.records) == sorted(f"run-{index}" for index in range(20))
    assert [record.due_s for record in play.records] == [10 + index / 2 for index in range(20)]
    assert all(record.invite_s == pytest.approx(record.due_s) for record in play.records)
    assert {(record.arm, record.number) for record in play.records} == {("a", "100"), ("b", "200")}
    assert len({order.from_user for order in play.phone.orders}) == 20
    assert (play.campaign.calls_up, play.campaign.dropped_dials, play.campaign.stop_reason) == (0, 0, None)


def test_a_call_s_network_is_ordered_and_on_record_also_of_a_dial_that_was_dropped() -> None:
    """The phone is told which, and the label stays with whatever becomes of the call."""
    play = stage(calls=12, rate=20.0, lines=4, profiles=("clean", "flap"))
    play.run()

    ordered = {order.call_id: order.profile for order in play.phone.orders}
    dropped = [record for record in play.records if record.call_id not in ordered]
    assert dropped
    assert {record.profile for record in dropped} == {"clean", "flap"}
    assert all(record.profile == ordered[record.call_id] for record in play.records if record not in dropped)


def test_calls_that_are_to_be_kept_are_recorded_and_their_records_say_where(tmp_path: Path) -> None:
    """Half of them by lot; what was ordered, what the phone was told to write and the records agree."""
    one = stage(calls=40, recorded=(Sample(0.5), tmp_path))
    one.run()

    ordered = {order.call_id for order in one.phone.orders if order.recorded}
    assert 5 < len(ordered) < 35
    assert set(one.phone.kept) == ordered
    told = {record.call_id: record.recording for record in one.records if record.recording}
    assert {call_id: tmp_path / place for call_id, place in told.items()} == one.phone.kept


def test_calls_of_every_kind_end_in_their_outcome() -> None:
    """Answered, never answered, refused, lost, silent far end: one record each."""
    kinds = [
        FarEnd(),
        FarEnd(final_s=None),
        FarEnd(final_s=None, answers_cancel=False),
        FarEnd(status=486, reason="Rejected"),
        FarEnd(ring_s=None, final_s=None, answers_cancel=False),
        FarEnd(loses_s=1.0, final_s=None),
        FarEnd(answers_bye=False),
        FarEnd(hangs_up_s=1.0, audio_s=None),
    ]
    play = stage(lambda order: kinds[int(order.call_id.removeprefix("run-"))], calls=8)
    play.run()

    by_id = {record.call_id: record for record in play.records}
    assert [by_id[f"run-{index}"].outcome.value for index in range(8)] == [
        "answered",
        "unanswered",
        "unanswered",
        "agent_failed",
        "no_response",
        "tester_failed",
        "answered",
        "answered",
    ]
    assert by_id["run-7"].silent is True
    assert by_id["run-6"].bye_answered_s is None


def test_a_tester_that_slept_through_due_times_dials_late_and_says_so() -> None:
    """Latency counts from the due time: the record shows the lag, the plan is not shifted."""
    play = stage(calls=3)
    play.clock.now_s += 0.8
    play.run()

    assert [record.due_s for record in play.records] == [10.0, 10.5, 11.0]
    first = play.records[0]
    assert first.invite_s is not None
    assert first.invite_s - first.due_s == pytest.approx(0.8)


def test_a_tester_that_slept_for_too_long_drops_the_dials_and_counts_them() -> None:
    """A dial more than the bound late would measure another moment's load."""
    play = stage(calls=4)
    play.clock.now_s += 2.2
    play.run()

    assert play.outcomes == {"tester_failed": 3, "answered": 1}
    assert play.campaign.dropped_dials == 3
    assert play.records[0].error == "dropped: the tester was 2.2 s late"


def test_without_a_free_line_a_dial_waits_for_a_bounded_time_and_is_dropped() -> None:
    """The line that gets free within the bound is used, and the lag is on record."""
    play = stage(lambda _: FarEnd(final_s=0.2), calls=5, rate=1.0, lines=2)
    play.run()

    assert play.campaign.dropped_dials > 0
    assert sum(play.outcomes.values()) == 5
    assert any(record.error == "dropped: no free line within 1 s of the due time" for record in play.records)


def test_max_concurrent_bounds_the_calls_that_are_up() -> None:
    """Dials above it are dropped with the option's name."""
    play = stage(lambda _: FarEnd(final_s=None), calls=6, rate=2.0, max_concurrent=2)
    peak = 0
    while not play.campaign.done:
        play.phone.wait(play.campaign.step(play.clock.now_s) - play.clock.now_s)
        peak = max(peak, play.campaign.calls_up)

    assert peak == 2
    assert play.outcomes == {"unanswered": 2, "tester_failed": 4}
    assert any("--max-concurrent" in (record.error or "") for record in play.records)


def test_too_many_failures_in_a_row_stop_the_dialling() -> None:
    """A dead trunk is not called on and on; calls that are up still end properly."""
    play = stage(lambda _: FarEnd(status=503, ring_s=None, final_s=0.1), calls=1000, stop_after_failures=5)
    play.run()

    assert len(play.records) == 5
    assert play.campaign.stop_reason is not None
    assert play.campaign.stop_reason.startswith("5 calls in a row failed, the last one as overloaded")


def test_a_call_that_succeeds_starts_the_count_of_failures_anew() -> None:
    """Only failures in a row stop the dialling."""
    play = stage(
        lambda order: (
            FarEnd(hangs_up_s=0.1) if order.call_id.endswith(("4", "9")) else FarEnd(status=503, final_s=0.5)
        ),
        calls=40,
        stop_after_failures=5,
    )
    play.run()

    assert len(play.records) == 40


def test_stopping_to_dial_lets_calls_live_to_their_end() -> None:
    """A run drains: what is up is held, hung up and recorded."""
    play = stage()
    play.run(until_s=1002.2)
    up = play.campaign.calls_up
    play.campaign.stop_dialling("time is up")
    play.run()

    assert up == 5
    assert play.outcomes == {"answered": 5}
    assert play.campaign.stop_reason == "time is up"
    assert not play.campaign.dialling


def test_cutting_a_run_ends_all_calls_at_once_and_keeps_their_records() -> None:
    """Ctrl-C: what rings is cancelled, what is up is hung up, within the bounds of the limits."""
    play = stage(lambda order: FarEnd(final_s=None) if order.call_id.endswith(("1", "3")) else FarEnd())
    play.run(until_s=1002.2)
    play.campaign.abort(play.clock.now_s)
    play.run()

    assert play.outcomes == {"answered": 2, "tester_failed": 3}
    assert {record.ended_by for record in play.records} == {"tester"}
    assert play.clock.now_s < 1002.2 + 0.1
    assert play.campaign.stop_reason == "interrupted"


def test_cutting_a_run_does_not_wait_for_a_far_end_that_is_silent() -> None:
    """The records are there after the bounds of CANCEL and BYE, whatever the far end does."""
    play = stage(lambda _: FarEnd(final_s=None, answers_cancel=False))
    play.run(until_s=1001.2)
    play.campaign.abort(play.clock.now_s)
    play.run()

    assert play.outcomes == {"tester_failed": 3}
    assert play.clock.now_s <= 1001.2 + LIMITS.final_after_cancel_s + LIMITS.close_s


@pytest.mark.parametrize("outcome", [Outcome.UNANSWERED])
def test_the_next_step_is_never_later_than_what_is_due(outcome: Outcome) -> None:
    """A quiet phone does not make the campaign miss a ring timeout."""
    play = stage(lambda _: FarEnd(final_s=None), calls=1)
    play.run()

    (record,) = play.records
    assert record.outcome is outcome
    assert record.cancel_s is not None
    assert record.ringing_s is not None
    assert record.cancel_s - record.ringing_s == pytest.approx(LIMITS.ring_timeout_s)
