"""Runs in the order of their time: what each measured, and what changed since the run before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.across import across
from analysis.arms import ArmSummary
from analysis.compare import Effect
from analysis.intervals import Estimate
from analysis.percentiles import Percentiles
from analysis.run import Run
from analysis.summary import summarise


@dataclass(frozen=True, slots=True)
class Change:
    """A part under test whose version is another than in the run before; None where it was not there."""

    part: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One arm of one run: its headline figures, and how they differ from the run before.

    `moved` names the figures whose 95 % interval of the difference leaves zero out.
    """

    arm: str
    calls: int
    not_answered: int
    not_answered_share: Estimate
    rmst_s: Estimate
    ring_to_answer_s: Percentiles
    agent_connect_s: Percentiles
    delta_rmst_s: Effect | None
    delta_not_answered: Effect | None

    @property
    def moved(self) -> tuple[str, ...]:
        """The figures that differ from the run before by more than chance makes likely."""
        deltas = {"not answered": self.delta_not_answered, "mean ring": self.delta_rmst_s}
        return tuple(name for name, delta in deltas.items() if delta is not None and _apart(delta))


@dataclass(frozen=True, slots=True)
class Chapter:
    """One run of a history."""

    run_id: str
    started_unix: float
    verdict: str
    cut: bool
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]


def history_of(runs: Sequence[Run]) -> list[Chapter]:
    """The runs, oldest first, each with what changed since the one before it."""
    ordered = sorted(runs, key=lambda run: run.started_unix)
    return [_chapter(run, before) for before, run in zip([None, *ordered], ordered, strict=False)]


def changes(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> tuple[Change, ...]:
    """The parts whose versions differ."""
    parts = dict.fromkeys([*after, *before])
    return tuple(
        Change(part, before.get(part), after.get(part))
        for part in parts
        if before.get(part) != after.get(part)
    )


def _chapter(run: Run, before: Run | None) -> Chapter:
    summary = summarise(run)
    return Chapter(
        run_id=run.run_ids[0],
        started_unix=run.started_unix,
        verdict=summary.verdict,
        cut=run.cut,
        changes=changes(before.versions, run.versions) if before is not None else (),
        steps=tuple(_step(name, arm, run, before) for name, arm in summary.arms.items()),
    )


def _step(name: str, arm: ArmSummary, run: Run, before: Run | None) -> Step:
    delta = None
    # Searches hold each at a load of its own, which alone makes callers wait differently.
    if before is not None and run.capacity is None:
        old, new = f"{name}@before", f"{name}@after"
        calls = pd.concat(
            [_of_arm(each, name).assign(arm=label) for each, label in ((before, old), (run, new))]
        )
        delta = across(calls, old, new, tau_s=run.tau_s)
    return Step(
        arm=name,
        calls=arm.calls,
        not_answered=arm.not_answered,
        not_answered_share=arm.not_answered_share,
        rmst_s=arm.rmst_s,
        ring_to_answer_s=arm.ring_to_answer_s,
        agent_connect_s=arm.agent_connect_s,
        delta_rmst_s=delta.delta_rmst_s if delta else None,
        delta_not_answered=delta.delta_not_answered if delta else None,
    )


def _apart(delta: Effect) -> bool:
    return delta.low is not None and delta.high is not None and not delta.low <= 0 <= delta.high


def _of_arm(run: Run, arm: str) -> pd.DataFrame:
    counted = run.counted()
    return counted[counted["arm"] == arm]
