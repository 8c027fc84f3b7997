"""What the tester alone can do: calls to an answering side of its own, with nothing else to wait for."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from capacity.route import HEADROOM, Route
from capacity.shortfall import fared, shortfall
from capacity.step import Decision, Phase, Step
from sip.answering_process import Answering
from sip.campaign import Campaign, Settings
from sip.outcome import Outcome
from sip.phase import Limits
from sip.plan import Plan
from sip.pool import Pool
from sip.priority import raised_priority
from sip.record import CallRecord, Epoch, RunFolder
from sip.trunk import Trunk

HOLD_S = 8.0  # at the most: longer ones only take longer to be up at once
HELD_S = 4.0  # with all calls up
TRIES = 4
RING_S = 0.1
_ARM, _NUMBER = "tester", "baseline"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TesterLimit:
    """The load that the search stops at for the tester's sake, and the step that showed it."""

    load: float
    step: Step

    @property
    def said(self) -> str:
        """In words."""
        return f"The tester can do no more than {self.load:g} here: {self.step.because}"

    @classmethod
    def of(cls, step: Step) -> Self:
        """What such a step has shown."""
        return cls(HEADROOM * step.load if step.decision is Decision.PASSED else 0.0, step)


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the tester alone is measured: as many calls a second, and up at once, as the search may ask for."""

    route: Route

    def measure(self, folder: RunFolder, number: int, *, go_on: Callable[[], bool]) -> TesterLimit | None:
        """Try what the search's ceiling takes, and halves of it; None once `go_on` says no.

        Raises:
            PhoneError: The tester's phones do not start.
        """
        limit = None
        for halved in range(TRIES):
            load = self.route.ceiling / HEADROOM / 2**halved
            step = self._try(load, folder.path / "logs", number, go_on)
            if step is None:
                return None
            _log.info("The tester alone: %s", step.because)
            limit = TesterLimit.of(step)
            if step.decision is Decision.PASSED:
                break
        return limit

    def _try(self, load: float, logs: Path, number: int, go_on: Callable[[], bool]) -> Step | None:
        began_unix, rate = time.time(), self.route.calls_per_second(load)
        hold_s = min(self.route.hold_s, HOLD_S)
        rate *= max(self.route.hold_s / hold_s, 1.0) if hold_s else 1.0  # as many are up at once
        calls = math.ceil(rate * (hold_s + HELD_S))
        with Answering(["--ring", str(RING_S)], log=logs / "baseline-answering.log") as far_end:
            found = _place(far_end.trunk, logs / "baseline", calls, rate, hold_s, go_on)
        if found is None:
            return None
        tester = fared(found.records, cpu_busiest=found.cpu_busiest)
        answered = sum(each.outcome is Outcome.ANSWERED for each in found.records)
        lost = None if answered == calls else f"{calls - answered} were not answered"
        wrong = shortfall(tester, calls) or lost
        at_once = f"{calls} calls at {rate:.3g}/s, {found.most_up} up at once"
        return Step(
            step=number,
            phase=Phase.BASELINE,
            arm=_ARM,
            profile="loopback",
            load=load,
            calls_per_second=rate,
            first_call=None,
            calls=calls,
            warm_up=0,
            began_unix=began_unix,
            ended_unix=time.time(),
            decision=Decision.NOT_VALID if wrong else Decision.PASSED,
            because=f"{at_once}: {wrong or 'in time'}",
            tester=tester,
        )


@dataclass(slots=True)
class _Found:
    """How a try went."""

    records: list[CallRecord] = field(default_factory=list)
    most_up: int = 0
    cpu_busiest: float = 0.0


def _place(
    trunk: Trunk, logs: Path, calls: int, rate: float, hold_s: float, go_on: Callable[[], bool]
) -> _Found | None:
    found = _Found()
    plan = Plan(calls=calls, calls_per_second=rate, arms=(_ARM,), seed=0)
    settings = Settings(
        run_id="baseline",
        numbers={_ARM: _NUMBER},
        limits=Limits(hold_s=hold_s, ring_timeout_s=HOLD_S),
        stop_after_failures=calls,
    )
    at_once = math.ceil(rate * (hold_s + RING_S))
    with Pool(trunk, log_folder=logs, concurrent=at_once) as pool, raised_priority():
        campaign = Campaign(pool, settings, epoch=Epoch.now(), worker=_ARM, on_record=found.records.append)
        campaign.place(plan.dials(), start_s=time.monotonic() + RING_S)
        pool.health()
        look_s, own_s, cpu_s = time.monotonic() + 1.0, time.monotonic(), time.process_time()
        while not campaign.done:
            if not go_on():
                return None
            now_s = time.monotonic()
            wanted_s = campaign.step(now_s)
            found.most_up = max(found.most_up, campaign.calls_up)
            if now_s >= look_s:
                own = (time.process_time() - cpu_s) / (now_s - own_s)
                shares = [each.cpu_share or 0.0 for each in pool.health().processes]
                found.cpu_busiest = max(found.cpu_busiest, own, *shares)
                look_s, own_s, cpu_s = now_s + 1.0, now_s, time.process_time()
            pool.wait(min(wanted_s - time.monotonic(), 0.2))
    return found
