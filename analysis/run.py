"""What one run was asked to do and what it left behind, as the rest of the analysis sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.dose import Dose
from analysis.leaks import Left
from analysis.steps import CapacityPlan, judged_steps, of_step
from capacity.step import Step

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the builds that are compared."""

    name: str
    kind: str
    number: str
    agent: str | None
    run_id: str = ""

    @property
    def plain_name(self) -> str:
        """The name it had in its own run, when runs stand side by side."""
        return self.name.partition("@")[0]


@dataclass(frozen=True, slots=True)
class Plan:
    """The load that was asked for; `calls` leaves the warm-up out."""

    calls: int
    calls_per_second: float
    arrivals: str
    warm_up: int
    max_concurrent: int | None
    hold_s: float
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class CallsFile:
    """How whole one worker's file is."""

    worker: str
    records: int
    closed: bool
    announced: int | None
    cut_lines: int
    missing: bool = False

    @property
    def whole(self) -> bool:
        """Closed, counted, and every line readable."""
        return self.closed and self.announced == self.records and not self.cut_lines and not self.missing


@dataclass(frozen=True, slots=True)
class Clock:
    """A wall clock's offset to the master's and how well it is known, in seconds."""

    offset_s: float
    error_s: float


@dataclass(frozen=True, kw_only=True)  # without slots: the counted calls are kept
class Run:
    """A run folder, read.

    `calls` has one row a call attempt (see `analysis.calls`), `faults` one a mistreated set-up,
    `fault_switches` one each time an arm's faults were exchanged while calls were up, `health` one a tester
    process and second, `loop_lag` one a worker and second; `doses` has one entry a run, `searches` one where
    it was a capacity run, whose `steps` were all finished. `conditions` must match between runs that are
    compared; `baseline` names those that this one is held against. `unreadable` counts the lines of each
    other file that were left out, by its name.
    """

    run_ids: tuple[str, ...]
    state: str
    stop_reason: str | None
    started_unix: float
    ended_unix: float | None
    tau_s: float
    setup_timeout_s: float
    bound_s: float
    seed: int
    plan: Plan
    arms: tuple[Arm, ...]
    candidate: str
    filter_fault: str | None
    network: str
    doses: tuple[Dose, ...]
    trunk_kind: str
    trunk_uri: str
    trunk_version: str | None
    observe: str
    limits: Mapping[str, float]
    conditions: Mapping[str, object]
    baseline: tuple[str, ...] = ()
    options: Mapping[str, object]
    versions: Mapping[str, str | None]
    host: Mapping[str, object]
    dropped_dials: int
    room_clock: Clock | None
    livekit_clock: Clock | None = None  # of the deployment, where its rooms were asked for
    worker_clock_error_s: float
    files: tuple[CallsFile, ...]
    unreadable: Mapping[str, int]
    duplicates: int
    calls: pd.DataFrame
    faults: pd.DataFrame
    fault_switches: pd.DataFrame
    health: pd.DataFrame
    loop_lag: pd.DataFrame
    searches: tuple[CapacityPlan, ...] = ()
    steps: tuple[Step, ...] = ()
    left: Left | None = None  # in rooms, where these were observed

    def __getstate__(self) -> dict[str, object]:
        """All but what can be worked out again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    @property
    def capacity(self) -> CapacityPlan | None:
        """The search that it was, the last of several side by side; None for a run at one given load."""
        return self.searches[-1] if self.searches else None

    @property
    def labels(self) -> tuple[str, ...]:
        """What the networks of calls are called, in the order of the choice."""
        known = dict.fromkeys(label for dose in self.doses for label in dose.labels)
        found = sorted(self.calls["profile"].dropna().unique())
        return tuple(dict.fromkeys([*known, *found]))

    @property
    def emulated(self) -> bool:
        """Whether something stood between the parts of the system and did what a network does."""
        return any(dose.executor is not None for dose in self.doses)

    @property
    def cut(self) -> bool:
        """Whether the run ended before its plan."""
        return self.state != "complete"

    @property
    def restarts(self) -> int:
        """How often one Locust worker had to replace processes of its pool."""
        return 0 if self.loop_lag.empty else int(self.loop_lag["restarts"].max())

    @property
    def rooms_observed(self) -> bool:
        """Whether the room's side was watched."""
        return self.observe != "off"

    def attempts(self) -> pd.DataFrame:
        """Every call that was due, but warm-up and what rang when the run was cut.

        Of a capacity run those of the last confirming hold alone, for all else on the way to it is at loads
        that were only tried.
        """
        return _rows(self._judged, ~self._judged["warm_up"] & ~self._judged["interrupted"])

    def counted(self) -> pd.DataFrame:
        """The attempts that say something about the system: the tester's own failures left out."""
        return self._counted

    @cached_property
    def _counted(self) -> pd.DataFrame:
        calls = self._judged
        counts = ~calls["warm_up"] & ~calls["interrupted"] & (calls["outcome"] != "tester_failed")
        return _rows(calls, counts)

    @cached_property
    def _judged(self) -> pd.DataFrame:
        if not self.searches:
            return self.calls
        held = [of_step(self.calls, step).index for step in judged_steps(self.steps)]
        return self.calls[self.calls.index.isin(np.concatenate(held) if held else [])]


def _rows(calls: pd.DataFrame, kept: pd.Series) -> pd.DataFrame:
    """The rows that are kept; a stretch of the table, as the calls after the warm-up are, is not copied."""
    places = np.flatnonzero(kept)
    if places.size and places[-1] - places[0] + 1 == places.size:
        return calls.iloc[places[0] : places[-1] + 1]
    return calls[kept]
