"""The course of a run: which calls are placed when, and when there are no more of them."""

import logging
import math
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sip import options
from sip.campaign import Campaign
from sip.declared import DECLARED
from sip.options import Options
from sip.plan import Plan
from sip.record import CallRecord, RunFolder

GoOn = Callable[[], bool]
_FEWEST_LINES = 50
_MOST_LINES = 2000  # at the start, which then takes some ten seconds
_log = logging.getLogger(__name__)


class Course(Protocol):
    """Asked in this order: `prepare`, `begin`, then `step` and `keep` until it is `over`."""

    @property
    def over(self) -> bool:
        """Whether every call has its record and no more are to come."""

    @property
    def stop_reason(self) -> str | None:
        """Why it did not come to its own end, in words."""

    def prepare(self, folder: RunFolder, *, go_on: GoOn) -> None:
        """Find out what must be known before all else is up; ends early once `go_on` says no."""

    def describe(self) -> Mapping[str, Any]:
        """Its keys of run.json, once it is prepared."""

    def begin(self, campaign: Campaign, *, start_s: float) -> None:
        """Everything is up: the first call may be due at `start_s`."""

    def step(self, now_s: float) -> float:
        """Do what is due, after the campaign has; the answer is when to come back at the latest."""

    def keep(self, record: CallRecord) -> None:
        """A call has ended."""

    def stop(self, reason: str) -> None:
        """Begin nothing new."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that may start: its options, what it will do in words, and its course.

    `course` makes part `index` of `of` equal ones, where there is a `plan` to be split. `at_once` is how many
    calls may be up at once, `lines` how many there are phones for from the start: more are made as calls
    come up, to `most_lines` where that is known. `resumed` is the folder of a run that is to go on, where it
    is one.
    """

    options: Options
    announcement: str
    course: Callable[[int, int], Course]
    at_once: int
    plan: Plan | None = None
    lines: int = _FEWEST_LINES
    most_lines: int | None = None
    resumed: Path | None = None


class LoadTest(Protocol):
    """What a locustfile runs: its options as `argparse` is told of them, and how they are read."""

    declared: Mapping[str, Mapping[str, Any]]

    def read(self, given: Namespace, environment: Mapping[str, str]) -> Prepared:
        """Check what was given; raises UsageError."""


class AllCalls:
    """The course of `locustfiles/calls.py`: the plan, or part `index` of `of`, from first to last call."""

    def __init__(self, plan: Plan, index: int, of: int) -> None:
        self._plan = plan
        self._index, self._of = index, of
        self._campaign: Campaign | None = None

    @property
    def over(self) -> bool:
        """Whether every dial has its record."""
        return self._campaign is None or self._campaign.done

    @property
    def stop_reason(self) -> str | None:
        """Why dialling stopped before the plan's end, in words."""
        return None if self._campaign is None else self._campaign.stop_reason

    def prepare(self, folder: RunFolder, *, go_on: GoOn) -> None:
        """Nothing."""

    def describe(self) -> Mapping[str, Any]:
        """Nothing of its own: the plan is there."""
        return {}

    def begin(self, campaign: Campaign, *, start_s: float) -> None:
        """Hand the plan over."""
        part = "" if self._of == 1 else f", part {self._index + 1} of {self._of}"
        _log.info("Placing %d calls at %g/s%s", self._plan.total, self._plan.calls_per_second, part)
        self._campaign = campaign
        campaign.place(self._plan.dials(self._index, self._of), start_s=start_s)

    def step(self, now_s: float) -> float:
        """The campaign knows when."""
        return math.inf

    def keep(self, record: CallRecord) -> None:
        """Nothing is decided by single calls."""

    def stop(self, reason: str) -> None:
        """Make no new calls."""
        if self._campaign is not None and self._campaign.dialling:
            self._campaign.stop_dialling(reason)


class Calls:
    """The load test of `locustfiles/calls.py`."""

    declared = DECLARED

    def read(self, given: Namespace, environment: Mapping[str, str]) -> Prepared:
        """Check what was given; raises UsageError."""
        chosen = options.read(given, environment)
        plan = Plan(
            calls=chosen.calls,
            calls_per_second=chosen.calls_per_second,
            arms=chosen.arm_names,
            seed=chosen.seed,
            arrivals=chosen.arrivals,
            warm_up=chosen.warm_up,
            profiles=chosen.network.labels,
            duration_s=chosen.duration_s,
        )
        return Prepared(
            chosen,
            f"This places {plan.total} calls at {plan.calls_per_second:g}/s",
            lambda index, of: AllCalls(plan, index, of),
            chosen.peak_concurrent,
            plan,
            lines=min(max(chosen.usual_concurrent, _FEWEST_LINES), _MOST_LINES, chosen.peak_concurrent),
            most_lines=plan.total,
        )
