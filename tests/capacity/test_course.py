"""A whole capacity run on a phone for tests, against a trunk whose knee is known, on a clock of its own."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from capacity.course import STEPS, Ascent
from capacity.route import Route
from capacity.step import Decision, Phase, Step
from capacity.stretch import Axis
from sip.campaign import Campaign, Settings
from sip.errors import UsageError
from sip.fake_phone import FakeClock, FakePhone, FarEnd
from sip.phase import Limits
from sip.phone import Order
from sip.plan import Arrivals
from sip.record import CallRecord, Epoch, RunFolder
from tests.capacity import usual_route

ROUTE = replace(usual_route.ROUTE, budget_s=3600.0)


@dataclass
class Queue:
    """A far end that answers one call each second, in the order in which they come."""

    clock: FakeClock
    free_s: float = 0.0
    each_s: float = 1.0

    def __call__(self, _: Order) -> FarEnd:
        """Ring until there is time for the call."""
        self.free_s = max(self.free_s, self.clock.now_s) + self.each_s
        return FarEnd(final_s=self.free_s - self.clock.now_s)


@dataclass
class Play:
    """A course with all that it plays on."""

    path: Path
    route: Route = ROUTE
    before: tuple[Step, ...] = ()
    first_call: int = 0
    each_s: float = 1.0
    records: list[CallRecord] = field(default_factory=list)

    def run(self, *, stop_after_steps: int | None = None) -> list[Step]:
        """Play it to its end, or stop it once so many steps are written and one more is under way."""
        clock = FakeClock(1000.0)
        phone = FakePhone(clock, Queue(clock, each_s=self.each_s), lines=10_000)
        course = Ascent(
            self.route,
            seed=1,
            arrivals=Arrivals.POISSON,
            baseline=None,
            linger_s=8.0,
            before=self.before,
            first_call=self.first_call,
        )
        folder = RunFolder(self.path)

        def keep(record: CallRecord) -> None:
            self.records.append(record)
            course.keep(record)

        settings = Settings(run_id="run", numbers={"bounded": "100"}, limits=Limits(hold_s=5))
        campaign = Campaign(phone, settings, epoch=Epoch(990.0, 1.7e9), worker="0", on_record=keep)
        course.prepare(folder, go_on=lambda: True)
        course.begin(campaign, start_s=clock.now_s + 1)
        while not course.over:
            wake_s = campaign.step(clock.now_s)
            wake_s = min(wake_s, course.step(clock.now_s))
            if stop_after_steps is not None and campaign.calls_up and len(self.steps()) == stop_after_steps:
                course.stop("interrupted")
            phone.wait(max(wake_s - clock.now_s, 0.001))
        return self.steps()

    def steps(self) -> list[Step]:
        """What is written by now."""
        path = self.path / STEPS
        if not path.is_file():
            return []
        return [Step.of(json.loads(line)) for line in path.read_text().splitlines()]


def test_the_knee_of_a_queue_is_found_confirmed_and_left_behind(tmp_path: Path) -> None:
    """One call a second is served: with Poisson arrivals 95 % wait for less than 3 s up to some 0.5/s."""
    play = Play(tmp_path)
    steps = play.run()
    held = [each for each in steps if each.phase is Phase.CONFIRM][-1]
    assert held.decision is not Decision.FAILED
    assert 0.2 < held.load < max(each.load for each in steps if each.decision is Decision.FAILED) <= 1.0
    assert [each.phase for each in steps][-3:] == [Phase.CONFIRM, Phase.SHED, Phase.RECOVERY]
    assert [each.step for each in steps] == list(range(len(steps)))


def test_every_call_is_of_one_step_and_on_record(tmp_path: Path) -> None:
    """Numbers go on from step to step, without a gap and without a call twice."""
    play = Play(tmp_path)
    steps = play.run()
    assert sum(each.calls for each in steps) == len(play.records)
    for record in play.records:
        assert sum(each.holds(record.call_id) for each in steps) == 1


def test_the_first_call_of_a_step_leaves_when_it_is_due(tmp_path: Path) -> None:
    """A burst is at one instant: no look at other things comes before it."""
    play = Play(tmp_path)
    play.run()
    assert max((record.invite_s or 0.0) - record.due_s for record in play.records) < 0.01


def test_a_run_that_was_cut_goes_on_where_it_was(tmp_path: Path) -> None:
    """The step under way is taken again; what had been decided stays, and the end is the same."""
    whole = Play(tmp_path / "whole")
    parts = Play(tmp_path / "parts")
    for play in (whole, parts):
        play.path.mkdir()
    there = whole.run()
    cut = parts.run(stop_after_steps=5)
    assert cut[-1].decision is Decision.CUT
    before = tuple(each for each in cut if each.decision is not Decision.CUT)
    rest = replace_before(parts, before, first_call=cut[-1].first_call or 0)
    after = [each for each in rest.run() if each.decision is not Decision.CUT]
    assert [(each.phase, each.load) for each in after[: len(before)]] == [
        (each.phase, each.load) for each in there[: len(before)]
    ]
    assert after[-1].phase is Phase.RECOVERY


def replace_before(play: Play, before: tuple[Step, ...], *, first_call: int) -> Play:
    """The same folder, to go on in."""
    return Play(play.path, play.route, before, first_call + 1000)


def test_steps_that_this_search_would_not_take_are_refused(tmp_path: Path) -> None:
    """Another version may search otherwise; its steps say nothing here."""
    steps = Play(tmp_path).run()
    other = replace(steps[0], load=77.0)
    again = tmp_path / "again"
    again.mkdir()
    with pytest.raises(UsageError, match="begin a new run"):
        Play(again, before=(other,)).run()


def test_a_trunk_that_answers_nobody_is_said_to_be_down_not_slow(tmp_path: Path) -> None:
    """It is asked with one burst and down to a quarter of the load, and no load is named."""
    steps = Play(tmp_path, each_s=1e6).run()
    assert [each.phase for each in steps] == [Phase.BURST] + [Phase.BRACKET] * 3
    assert [each.load for each in steps[1:]] == [ROUTE.start, ROUTE.start / 2, ROUTE.start / 4]
    assert {each.decision for each in steps[1:]} == {Decision.FAILED}


def test_conversations_at_once_are_reached_and_the_fill_is_not_judged(tmp_path: Path) -> None:
    """Calls arrive at so many in each hold, the first of them as warm-up calls."""
    route = replace(ROUTE, axis=Axis.CONCURRENT, start=2.0, floor=1.0, ceiling=40.0)
    play = Play(tmp_path, route)
    step = next(each for each in play.run() if each.phase is Phase.BRACKET)
    assert step.warm_up == 2
    assert step.calls_per_second == pytest.approx(0.4)
    warm = [record for record in play.records if step.holds(record.call_id) and record.warm_up]
    assert len(warm) == 2
