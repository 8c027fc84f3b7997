"""More than it carries: calls due at one instant on a cold deployment, and 150 % of what it carries."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.intervals import Estimate, share
from analysis.knee import last_hold
from analysis.run import Run
from analysis.step_reading import StepReading, bad_calls
from analysis.steps import of_step
from capacity.criterion import Criterion
from capacity.step import Phase

# So many calls in a row as they should be show that it has recovered.
CALM_CALLS = 10


@dataclass(frozen=True, slots=True)
class Burst:
    """So many calls at one instant: how many of them came late or never, and the slowest answer."""

    run_id: str
    arm: str
    profile: str
    size: int
    n: int
    late: int
    not_answered: int
    slowest_s: float | None
    in_time: bool


@dataclass(frozen=True, slots=True)
class Shed:
    """A while of more than is carried, and what came after.

    `late` of `calls` were bad at `load`; back at `back_at`, calls were as they should be from
    `recovered_after_s` on, 0 where they were from the first; None where they were not before its end, or
    where that is not known because nothing was placed (`after` 0).
    """

    run_id: str
    arm: str
    profile: str
    load: float
    calls: int
    late: int
    late_share: Estimate
    not_answered: int
    back_at: float | None
    after: int
    recovered: bool | None
    recovered_after_s: float | None


def bursts_of(steps: Sequence[StepReading]) -> tuple[Burst, ...]:
    """The bursts of one cell, the smallest first."""
    return tuple(
        Burst(
            step.run_id, step.arm, step.profile, round(step.load), step.n, step.late,
            round((step.not_answered_share.value or 0.0) * step.n), step.slowest_s, step.kept and step.n > 0,
        )
        for step in sorted(steps, key=lambda step: step.load)
        if step.phase is Phase.BURST
    )  # fmt: skip


def shed_of(run: Run, steps: Sequence[StepReading], criteria: Sequence[Criterion]) -> Shed | None:
    """The last overload of one cell and its recovery; None where none was tried."""
    over = _last(steps, Phase.SHED)
    if over is None:
        return None
    back = _last([step for step in steps if step.step > over.step], Phase.RECOVERY)
    hold = last_hold(steps)
    after_s = None if back is None else _calm_after_s(run, back, criteria)
    return Shed(
        run_id=over.run_id,
        arm=over.arm,
        profile=over.profile,
        load=over.load,
        calls=over.n,
        late=over.late,
        late_share=share(over.late, over.n),
        not_answered=round((over.not_answered_share.value or 0.0) * over.n),
        back_at=back.load if back is not None else hold.load if hold is not None else None,
        after=back.n if back is not None else 0,
        recovered=None if back is None or back.n < CALM_CALLS else after_s is not None,
        recovered_after_s=after_s,
    )


def _last(steps: Sequence[StepReading], phase: Phase) -> StepReading | None:
    return next((step for step in reversed(steps) if step.phase is phase), None)


def _calm_after_s(run: Run, back: StepReading, criteria: Sequence[Criterion]) -> float | None:
    """From when to the end at least ten calls came, and no more of them bad than any criterion allows."""
    calls = _counted(run, back)
    if len(calls) < CALM_CALLS:
        return None
    due_s = calls["due_at_s"].to_numpy(dtype="float64")
    bads = [(bad_calls(calls, criterion), criterion.share) for criterion in criteria]
    for place in range(len(calls) - CALM_CALLS + 1):
        calm = all(bad[place:].mean() <= share and not bad[place] for bad, share in bads)
        if calm:
            return 0.0 if place == 0 else float(due_s[place] - due_s[0])
    return None


def _counted(run: Run, reading: StepReading) -> pd.DataFrame:
    step = next(each for each in run.steps if (each.step, each.arm) == (reading.step, reading.arm))
    calls = of_step(run.calls, step)
    return calls[~calls["warm_up"] & ~calls["interrupted"] & (calls["outcome"] != "tester_failed")]
