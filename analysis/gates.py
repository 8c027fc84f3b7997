"""The gates of a release: what is asked of the candidate, whether the run shows it, and what size would."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from analysis.gate_name import GateName, read
from analysis.metric import Bounds, Kind

DEFAULTS: Mapping[str, float] = {
    "not_answered": 0.02,
    "ring_to_answer_p95_s": 3.0,
    "rmst_s": 3.0,
    "agent_connect_p95_s": 2.0,
    "post_dial_delay_p95_s": 1.0,
    "greeting_p95_s": 1.5,
    "mos_p5": 3.6,
    "rtp_loss_p95": 0.01,
    "rtp_jitter_p95_ms": 30.0,
}


class Verdict(StrEnum):
    """What a gate, and a run, can come to."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    NOT_VALID = "not_valid"

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return {"passed": 0, "failed": 3, "undecided": 5, "not_valid": 4}[self]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's reading between one-sided 95 % bounds; `bound` is the one that decided, or could not."""

    name: str
    arm: str
    limit: float
    value: float | None
    bound: float | None
    n: int
    n_needed: int | None
    verdict: Verdict
    low: float | None = None
    high: float | None = None

    @property
    def read(self) -> GateName:
        """What it is on."""
        return read(self.name)

    @property
    def title(self) -> str:
        """What it is on, in words, with the arm where that was asked for."""
        name = self.read
        return name.label if name.arm is None else f"{name.label} of {name.arm}"


def gates_of(limits: Mapping[str, float]) -> dict[GateName, float]:
    """The gates on a run's own figures: those asked for, else the documentation's at their default limits.

    A gate on a search's result or on a change since a baseline is asked for beside the others.

    Raises:
        UnknownGateError: there is no gate of a name.
    """
    asked = {read(name): limit for name, limit in limits.items()}
    own = {name: limit for name, limit in asked.items() if name.metric.kind is not Kind.CHANGE}
    if all(name.metric.kind is Kind.SEARCHED for name in own):
        return {read(name): limit for name, limit in DEFAULTS.items()} | own
    return own


def out_of_reach(
    limits: Mapping[str, float], *, calls: int, tau_s: float, profiles: int = 1
) -> list[tuple[str, int]]:
    """The gates that `calls` calls of an arm cannot pass, even if all are clean, and the calls that could.

    Under each of several networks are as many of the calls as under any other.

    Raises:
        UnknownGateError: there is no gate of a name.
    """
    found = []
    for name, limit in gates_of(limits).items():
        needed = name.calls_needed(limit, tau_s)
        share = 1 if name.profile is None else profiles
        if needed is not None and needed * share > calls:
            found.append((f"{name.label} {name.sign} {limit:g}", needed * share))
    return found


def judge(
    calls: pd.DataFrame,
    candidate: str,
    limits: Mapping[str, float],
    *,
    tau_s: float,
    profile: str | None = None,
    known: Mapping[str, Bounds] | None = None,
) -> tuple[list[Gate], list[str]]:
    """Judge counted calls, the candidate's where a gate names no arm; and what went unmeasured.

    A gate asked for by name and not measured is undecided; of the default ones the labels are returned.

    Args:
        calls: counted calls (`Run.counted`), of all arms.
        candidate: the arm that is to be released.
        limits: by gate's name; the defaults where there is none.
        tau_s: the ring timeout.
        profile: judge the calls under this network alone, by the gates that they can be held to.
        known: figures of gates that do not come from these calls, by name.
    """
    judged, unmeasured = [], []
    asked = {read(name) for name in limits}
    # Where runs stand side by side, an arm is that of the candidate's own run.
    _, at, run_id = candidate.partition("@")
    if profile is not None:
        calls = calls[calls["profile"] == profile]
    for name, limit in gates_of(limits).items():
        if profile is not None and (name.profile not in (None, profile) or name.metric.measure is None):
            continue
        arm = candidate if name.arm is None else f"{name.arm}{at}{run_id}"
        own = calls[calls["arm"] == arm]
        bounds = (known or {}).get(str(name)) or name.measure(own, tau_s)
        # Nothing answered means that nothing could be measured: that is not the same as not having looked.
        if bounds is None and name not in asked and own["answered"].any():
            unmeasured.append(name.label)
            continue
        judged.append(decide(name, arm, limit, bounds, name.calls_needed(limit, tau_s)))
    return judged, unmeasured


def decide(name: GateName, arm: str, limit: float, bounds: Bounds | None, needed: int | None = None) -> Gate:
    """Hold a figure to its limit: kept where the bound that could break it keeps it."""
    if bounds is None:
        return Gate(str(name), arm, limit, None, None, 0, needed, Verdict.UNDECIDED)
    good, bad = (bounds.low, bounds.high) if name.at_least else (bounds.high, bounds.low)

    def within(bound: float) -> bool:
        return bound >= limit if name.at_least else bound <= limit

    if within(good):
        verdict, bound = Verdict.PASSED, good
    elif not within(bad):
        verdict, bound = Verdict.FAILED, bad
    else:
        verdict, bound = Verdict.UNDECIDED, good
    return Gate(
        str(name), arm, limit, finite(bounds.value), finite(bound), bounds.n, needed, verdict,
        finite(bounds.low), finite(bounds.high),
    )  # fmt: skip


def finite(value: float) -> float | None:
    """The number, or None where it is none or has no end."""
    return value if math.isfinite(value) else None
