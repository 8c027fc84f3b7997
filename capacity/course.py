"""A capacity run carried out: one stretch of calls after the other, each judged while its calls are up."""

import logging
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from capacity.itinerary import itinerary
from capacity.judging import Judging
from capacity.loopback import Baseline, TesterLimit
from capacity.route import REST_S, Route
from capacity.sequential import Trial, look
from capacity.shortfall import fared, shortfall
from capacity.step import Decision, Phase, Step
from capacity.stretch import Cell, Ended, Stretch
from capacity.under_way import UnderWay
from sip.campaign import Campaign
from sip.course import GoOn
from sip.errors import UsageError
from sip.plan import Arrivals, Plan
from sip.record import AppendFile, CallRecord, RunFolder

STEPS = "steps.jsonl"
_NEARLY = 1 - 1e-9
LOOK_S = 0.2
TELL_S = 15.0
_SHOWN = (Phase.BURST, Phase.SHED, Phase.RECOVERY)  # which decide nothing
_log = logging.getLogger(__name__)


class Ascent:
    """The course of `locustfiles/capacity.py`; the steps `before` were taken in an earlier part.

    After the last call it stays for `linger_s`, in which rooms close, so that one that does not is seen.
    """

    def __init__(
        self,
        route: Route,
        *,
        seed: int,
        arrivals: Arrivals,
        baseline: Baseline | None,
        linger_s: float,
        before: Sequence[Step] = (),
        first_call: int = 0,
        resumed: int = 0,
    ) -> None:
        self._route = route
        self._seed, self._arrivals = seed, arrivals
        self._baseline = baseline
        self._linger_s = linger_s
        self._before = list(before)
        self._limit: TesterLimit | None = None
        self._by_tester = False
        self._steps = len(self._before)
        self._next_call = first_call
        self._resumed = resumed
        self._campaign: Campaign | None = None
        self._path: Path | None = None
        self._active: UnderWay | None = None
        self._rest_until_s = 0.0
        self._over = False
        self.stop_reason: str | None = None

    @property
    def over(self) -> bool:
        """Whether it has come to its end, or was stopped and every call has its record."""
        return self._over

    def prepare(self, folder: RunFolder, *, go_on: GoOn) -> None:
        """Find out what the tester alone can do."""
        self._path = folder.path / STEPS
        found = [each for each in self._before if each.phase is Phase.BASELINE]
        if found:
            self._limit = TesterLimit.of(found[-1])
        elif self._baseline is not None:
            self._limit = self._baseline.measure(folder, self._steps, go_on=go_on)
            if self._limit is not None:
                self._write(self._limit.step)
        if self._limit is None or self._limit.load >= self._route.ceiling * _NEARLY:
            return
        self._by_tester = True
        _log.warning("%s", self._limit.said)
        if self._limit.load <= self._route.floor:
            self.stop_reason = self._limit.said
        else:
            ceiling = self._limit.load
            self._route = replace(self._route, ceiling=ceiling, start=min(self._route.start, ceiling))

    def describe(self) -> Mapping[str, Any]:
        """What the search is asked for, as run.json has it."""
        route = self._route
        return {
            "capacity": {
                "axis": route.axis.value,
                "start": route.start,
                "floor": route.floor,
                "ceiling": route.ceiling,
                "ceiling_by": "tester" if self._by_tester else "max",
                "precision": route.precision,
                "search_gate": [each.name for each in route.criteria],
                "alpha": route.alpha,
                "budget_s": route.budget_s,
                "budget_calls": None if math.isinf(route.budget_calls) else route.budget_calls,
                "smoke": route.smoke,
                "resumed": self._resumed,
            }
        }

    def begin(self, campaign: Campaign, *, start_s: float) -> None:
        """Go through what was done before, and on from there."""
        self._campaign = campaign
        self._itinerary = itinerary(self._route)
        self._asked = next(self._itinerary, None)
        for step in self._before:
            if step.phase is not Phase.BASELINE:
                self._replay(step)
        self._rest_until_s = start_s

    def step(self, now_s: float) -> float:
        """Judge the calls that are up; end a stretch that is decided, begin the next one after a rest."""
        campaign = self._campaign
        assert campaign is not None  # noqa: S101 - the run begins it
        if self._active is None:
            if self.stop_reason is not None:
                self._over = True
            if self._over or now_s < self._rest_until_s:
                return self._rest_until_s
            if self._asked is None:
                self._over = True
                return now_s
            self._begin(campaign, self._asked, now_s)
            return now_s  # its first call may be due at once
        active = self._active
        active.look(campaign, now_s)
        trial = active.judging.trial
        if campaign.dialling and trial is not None and trial.decision is not None:
            _log.info("Decided: %s; waiting for its last calls", trial.decision)
            campaign.stop_dialling()
        if campaign.done:
            self._end(campaign, active, now_s)
        elif now_s >= active.tell_s:
            active.tell_s += TELL_S
            _log.info("%s so far (%d up)", active.judging.said, campaign.calls_up)
        return now_s + LOOK_S

    def keep(self, record: CallRecord) -> None:
        """A call of the stretch has ended."""
        if self._active is not None:
            self._active.keep(record)

    def stop(self, reason: str) -> None:
        """Begin nothing new; the stretch under way is left undecided."""
        if not self._over:
            self.stop_reason = self.stop_reason or reason
            if self._campaign is not None:
                self._campaign.stop_dialling(reason)

    def _begin(self, campaign: Campaign, stretch: Stretch, now_s: float) -> None:
        step = self._steps
        plan = Plan(
            calls=stretch.calls,
            calls_per_second=stretch.calls_per_second,
            arms=(stretch.cell.arm,),
            seed=random.Random(f"{self._seed}/{step}").getrandbits(32),
            arrivals=self._arrivals,
            warm_up=stretch.warm_up,
            profiles=(stretch.cell.profile,),
            first=self._next_call,
        )
        dials = list(plan.dials())
        trial = None
        if stretch.sequential:
            trial = Trial(
                self._route.criteria, least=stretch.least, most=stretch.calls, alpha=self._route.alpha
            )
        self._active = UnderWay(
            number=step,
            stretch=stretch,
            dials=dials,
            judging=Judging(self._route.criteria, trial),
            began_s=now_s,
            began_unix=time.time(),
            tell_s=now_s + TELL_S,
            placed=self._next_call,
        )
        campaign.place(iter(dials), start_s=now_s)
        _log.info("Step %d, %s", step, stretch.announced(self._route.axis))

    def _end(self, campaign: Campaign, active: UnderWay, now_s: float) -> None:
        active.look(campaign, math.inf)
        decision, because = self._decision(active)
        first = active.dials[0].index
        step = Step(
            step=active.number,
            phase=active.stretch.phase,
            arm=active.stretch.cell.arm,
            profile=active.stretch.cell.profile,
            load=active.stretch.load,
            calls_per_second=active.stretch.calls_per_second,
            first_call=first,
            calls=active.placed - first,
            warm_up=min(active.stretch.warm_up, active.placed - first),
            began_unix=active.began_unix,
            ended_unix=active.began_unix + now_s - active.began_s,
            decision=decision,
            because=because,
            criteria=active.judging.tallies,
        )
        self._next_call = active.placed
        self._active = None
        self._write(step)
        _log.info(
            "Step %d, %s: %s, %s", step.step, active.stretch.worded(self._route.axis), decision, because
        )
        if decision is Decision.CUT:
            self._over = True
            return
        self._answer(_ended(step))
        self._rest_until_s = now_s + (REST_S if self._asked is not None else self._linger_s)

    def _decision(self, active: UnderWay) -> tuple[Decision, str]:
        """What the stretch came to, and why."""
        said, trial = active.judging.said, active.judging.trial
        decided = trial.decision if trial is not None else None
        if self.stop_reason is not None and decided is None:
            return Decision.CUT, f"{self.stop_reason}; {said}"
        if active.stretch.phase in _SHOWN:
            return Decision.DONE, said
        short = shortfall(fared(active.records.values()), len(active.records))
        if short is not None:
            return Decision.NOT_VALID, short
        if trial is None:
            decided = look(self._route.criteria, active.judging.tallies)
        return decided or Decision.UNDECIDED, said

    def _answer(self, ended: Ended) -> None:
        try:
            self._asked = self._itinerary.send(ended)
        except StopIteration:
            self._asked = None

    def _replay(self, step: Step) -> None:
        """Go past a step that has been taken.

        Raises:
            UsageError: The search would not have taken it.
        """
        asked = self._asked
        if asked is None or (asked.phase, asked.cell, asked.load) != (
            step.phase,
            Cell(step.arm, step.profile),
            step.load,
        ):
            raise UsageError(
                "--resume", f"step {step.step}", "this version searches otherwise: begin a new run"
            )
        self._answer(_ended(step))

    def _write(self, step: Step) -> None:
        assert self._path is not None  # noqa: S101 - known since `prepare`
        with AppendFile(self._path) as file:
            file.write(step.document())
        self._steps = step.step + 1


def _ended(step: Step) -> Ended:
    return Ended(
        decision=step.decision,
        calls=step.calls,
        seconds=step.ended_unix - step.began_unix + REST_S,
        bad=max((each.bad for each in step.criteria), default=0),
        judged=min((each.n for each in step.criteria), default=0),
    )
