"""The gates of a release: what is asked of the candidate, whether the run shows it, and what size would."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from analysis.errors import UnknownGateError
from analysis.intervals import (
    CONFIDENCE,
    Values,
    envelope,
    mean_bounds,
    percentile_bounds,
    percentile_calls_needed,
    quantile,
    share_bounds,
    share_calls_needed,
)

TAIL = 1 - CONFIDENCE


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


class GateName(StrEnum):
    """The gates there are, as options and files name them."""

    NOT_ANSWERED = "not_answered"
    RING_TO_ANSWER = "ring_to_answer_p95_s"
    RMST = "rmst_s"
    AGENT_CONNECT = "agent_connect_p95_s"
    POST_DIAL_DELAY = "post_dial_delay_p95_s"
    GREETING = "greeting_p95_s"
    MOS = "mos_p5"
    RTP_LOSS = "rtp_loss_p95"
    RTP_JITTER = "rtp_jitter_p95_ms"


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's reading; `bound` is the one-sided 95 % bound that decided (or could not)."""

    name: GateName
    arm: str
    limit: float
    value: float | None
    bound: float | None
    n: int
    n_needed: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Bounds:
    """A point estimate between one-sided bounds; infinite where the sample gives none."""

    value: float
    low: float
    high: float
    n: int


Measure = Callable[[pd.DataFrame, float], Bounds | None]


@dataclass(frozen=True, slots=True)
class Definition:
    """A gate in words, its default limit, how it is measured, and the calls it needs when all are clean."""

    label: str
    limit: float
    unit: str
    measure: Measure
    needed: Callable[[float, float], int | None]
    at_least: bool = False


def _column(calls: pd.DataFrame, name: str) -> Values:
    return calls[name].dropna().to_numpy(dtype="float64")


def _not_answered(calls: pd.DataFrame, tau_s: float) -> Bounds | None:
    missed, n = int((~calls["answered"]).sum()), len(calls)
    if n == 0:
        return None
    return Bounds(missed / n, *share_bounds(missed, n, TAIL), n)


def _rmst(calls: pd.DataFrame, tau_s: float) -> Bounds | None:
    waits = np.minimum(_column(calls, "ring_to_answer_s"), tau_s)
    if waits.size == 0:
        return None
    return Bounds(float(waits.mean()), *mean_bounds(waits, tau_s, TAIL), waits.size)


def _percentile(values: Values, q: float, errors: Values | float = 0.0) -> Bounds | None:
    if values.size == 0:
        return None
    earliest, latest = envelope(values, errors)
    low, high = percentile_bounds(earliest, q, TAIL)[0], percentile_bounds(latest, q, TAIL)[1]
    return Bounds(quantile(np.sort(values), q), low, high, values.size)


def _percentile_of(column: str, q: float = 0.95) -> Measure:
    def measure(calls: pd.DataFrame, tau_s: float) -> Bounds | None:
        return _percentile(_column(calls, column), q)

    return measure


def _agent_connect(calls: pd.DataFrame, tau_s: float) -> Bounds | None:
    values, errors, _ = agent_connect(calls)
    return _percentile(values, 0.95, errors)


def agent_connect(calls: pd.DataFrame) -> tuple[Values, Values, float]:
    """Agent connect latencies, infinite where the caller gave up first; their errors; the shortest such wait.

    A latency is known as well as rooms were looked at. Beyond the shortest wait of those who gave up nothing
    is known: a percentile there is "> x".
    """
    given_up = _column(calls, "agent_connect_at_least_s")
    known = calls.loc[calls["agent_connect_s"].notna(), ["agent_connect_s", "room_error_s"]]
    reach = float(given_up.min()) if given_up.size else math.inf
    values = np.concatenate([known["agent_connect_s"].to_numpy(), np.full(given_up.size, np.inf)])
    return values, np.concatenate([known["room_error_s"].to_numpy(), np.zeros(given_up.size)]), reach


def _p95_needed(limit: float, tau_s: float) -> int:
    return percentile_calls_needed(0.95)


def _share_needed(limit: float, tau_s: float) -> int | None:
    return share_calls_needed(limit) if 0 < limit < 1 else None


def _rmst_needed(limit: float, tau_s: float) -> int | None:
    return share_calls_needed(limit / tau_s) if 0 < limit < tau_s else None


CATALOGUE: Mapping[GateName, Definition] = {
    GateName.NOT_ANSWERED: Definition("not answered", 0.02, "share", _not_answered, _share_needed),
    GateName.RING_TO_ANSWER: Definition(
        "ring-to-answer p95", 3.0, "s", _percentile_of("ring_to_answer_s"), _p95_needed
    ),
    GateName.RMST: Definition("mean ring within τ", 3.0, "s", _rmst, _rmst_needed),
    GateName.AGENT_CONNECT: Definition("agent connect latency p95", 2.0, "s", _agent_connect, _p95_needed),
    GateName.POST_DIAL_DELAY: Definition(
        "post-dial delay p95", 1.0, "s", _percentile_of("post_dial_delay_s"), _p95_needed
    ),
    GateName.GREETING: Definition(
        "greeting latency p95", 1.5, "s", _percentile_of("greeting_s"), _p95_needed
    ),
    GateName.MOS: Definition(
        "MOS p5", 3.6, "MOS", _percentile_of("rtp_mos", 0.05), _p95_needed, at_least=True
    ),
    GateName.RTP_LOSS: Definition("RTP loss p95", 0.01, "share", _percentile_of("rtp_loss"), _p95_needed),
    GateName.RTP_JITTER: Definition(
        "RTP jitter p95", 30.0, "ms", _percentile_of("rtp_jitter_ms"), _p95_needed
    ),
}


def gates_of(limits: Mapping[str, float]) -> dict[GateName, float]:
    """The gates asked for, by name; the whole catalogue at its default limits where none is.

    Raises:
        UnknownGateError: a name is not in the catalogue.
    """
    if not limits:
        return {name: definition.limit for name, definition in CATALOGUE.items()}
    return {_gate_name(name): limit for name, limit in limits.items()}


def _gate_name(name: str) -> GateName:
    try:
        return GateName(name.strip().lower().replace("-", "_").replace(" ", "_"))
    except ValueError as error:
        known = ", ".join(GateName)
        raise UnknownGateError(f"There is no gate named {name!r}; there are {known}.") from error


def out_of_reach(limits: Mapping[str, float], *, calls: int, tau_s: float) -> list[tuple[str, int]]:
    """The gates that `calls` calls of an arm cannot pass, even if all are clean, and the calls that could.

    Raises:
        UnknownGateError: a name is not in the catalogue.
    """
    needs = [
        (f"{CATALOGUE[name].label} {'≥' if CATALOGUE[name].at_least else '≤'} {limit:g}", needed)
        for name, limit in gates_of(limits).items()
        if (needed := CATALOGUE[name].needed(limit, tau_s)) is not None
    ]
    return [(label, needed) for label, needed in needs if needed > calls]


def judge(
    calls: pd.DataFrame, arm: str, limits: Mapping[str, float], *, tau_s: float
) -> tuple[list[Gate], list[str]]:
    """Judge one arm's counted calls; also the labels of default gates left out for want of a measurement.

    A gate asked for by name and not measured is undecided.
    """
    judged, unmeasured = [], []
    own = calls[calls["arm"] == arm]
    for name, limit in gates_of(limits).items():
        definition = CATALOGUE[name]
        bounds = definition.measure(own, tau_s)
        # Nothing answered means that nothing could be measured: that is not the same as not having looked.
        if bounds is None and not limits and own["answered"].any():
            unmeasured.append(definition.label)
            continue
        judged.append(_judge(name, arm, limit, bounds, tau_s))
    return judged, unmeasured


def _judge(name: GateName, arm: str, limit: float, bounds: Bounds | None, tau_s: float) -> Gate:
    definition = CATALOGUE[name]
    needed = definition.needed(limit, tau_s)
    if bounds is None:
        return Gate(name, arm, limit, None, None, 0, needed, Verdict.UNDECIDED)
    good, bad = (bounds.low, bounds.high) if definition.at_least else (bounds.high, bounds.low)

    def within(bound: float) -> bool:
        return bound >= limit if definition.at_least else bound <= limit

    if within(good):
        verdict, bound = Verdict.PASSED, good
    elif not within(bad):
        verdict, bound = Verdict.FAILED, bad
    else:
        verdict, bound = Verdict.UNDECIDED, good
    return Gate(name, arm, limit, _finite(bounds.value), _finite(bound), bounds.n, needed, verdict)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
