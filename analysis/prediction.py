"""How many calls the manufactured faults should have left unanswered, beside how many were."""

import math
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from analysis.run import Run

# A disagreement must be beyond chance at this level before the pipeline is doubted.
AGREEMENT = 0.999
# What met these ended with its caller or its job: what is written is no measure of how long it would last.
NEVER_END = ("silent", "drip", "slow-headers", "tls-slow")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One arm's prediction; `outlast_share` is the chance that a stalled set-up outlasts the ring timeout."""

    arm: str
    set_ups: int
    stalled: int
    outlast_share: float | None
    predicted_not_answered: int
    predicted_share: float | None
    measured_not_answered: int
    measured_share: float | None
    p: float | None
    agrees: bool | None


def predictions(run: Run) -> list[Prediction]:
    """A prediction for each arm of a run in which set-ups were mistreated; none where nothing was.

    Nor where rooms were not watched: a fault names its room, and by that its call.
    """
    if not run.rooms_observed or (run.filter_fault is None and run.faults.empty):
        return []
    calls = with_faults(run)
    return [_predict(run, arm.name, arm.kind, calls[calls["arm"] == arm.name]) for arm in run.arms]


def with_faults(run: Run) -> pd.DataFrame:
    """Counted calls with the fault their set-up met (`fault_kind`, `fault_held_s`, `fault_unix`), by room."""
    faults = run.faults.rename(columns={"kind": "fault_kind", "held_s": "fault_held_s", "unix": "fault_unix"})
    faults = faults[faults["room"].notna()].sort_values("fault_unix").drop_duplicates("room")
    return run.counted().merge(
        faults[["room", "fault_kind", "fault_held_s", "fault_unix"]], how="left", on="room", validate="m:1"
    )


def longest_stall_s(kind: str, bound_s: float) -> float | None:
    """How long a stalled set-up can hold the connection in such an arm; None if its kind does not tell."""
    if kind == "bounded" or kind.endswith("-bounded"):
        return bound_s
    if kind == "unbounded" or kind.startswith("vendor-0.2."):
        return math.inf
    if kind in ("none", "deferred") or kind.startswith("vendor-0.3."):
        return 0.0
    return None


def _predict(run: Run, arm: str, kind: str, calls: pd.DataFrame) -> Prediction:
    stalled = calls[calls["fault_kind"].notna()]
    missed = int((~calls["answered"]).sum())
    n = len(calls)
    longest_s = longest_stall_s(kind, run.bound_s)
    predicted: int | None = None
    if longest_s is not None:
        held = stalled["fault_held_s"].where(~stalled["fault_kind"].isin(NEVER_END), math.inf)
        # The stall begins a little after the first ring: what is left of the ring is what it must outlast.
        begun_s = (stalled["fault_unix"] - stalled["ringing_unix"]).clip(lower=0).fillna(0)
        predicted = int((held.clip(upper=longest_s) + begun_s >= run.tau_s).sum())
    p = None
    if predicted is not None and n:
        p = float(stats.binomtest(missed, n, predicted / n).pvalue)
    return Prediction(
        arm=arm,
        set_ups=n,
        stalled=len(stalled),
        outlast_share=predicted / len(stalled) if predicted is not None and len(stalled) else None,
        predicted_not_answered=predicted or 0,
        predicted_share=predicted / n if predicted is not None and n else None,
        measured_not_answered=missed,
        measured_share=missed / n if n else None,
        p=p,
        agrees=None if p is None else p >= 1 - AGREEMENT,
    )
