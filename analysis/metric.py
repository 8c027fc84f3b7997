"""What a gate can be on: each metric in words, with its unit and side, and how a run's calls show it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from analysis.hearing import responses, spoken_with, went_silent
from analysis.intervals import (
    CONFIDENCE,
    Values,
    envelope,
    mean_bounds,
    percentile_bounds,
    quantile,
    share_bounds,
)

TAIL = 1 - CONFIDENCE


class Kind(StrEnum):
    """What a metric makes of the calls."""

    SHARE = "share of calls"
    MEAN = "mean"
    PERCENTILE = "percentile"
    SEARCHED = "result of a search"
    CHANGE = "change since a baseline"


@dataclass(frozen=True, slots=True)
class Bounds:
    """A point estimate between one-sided bounds; infinite, or no number, where the sample gives none."""

    value: float
    low: float
    high: float
    n: int


Sample = tuple[
    Values, Values | float
]  # one value a call, infinite where it never came; how far off each may be
Measure = Callable[[pd.DataFrame, float, float], Bounds | None]  # of calls, a quantile and the ring timeout


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric; `measure` is None where its figure does not come from the calls alone."""

    name: str
    label: str
    unit: str
    kind: Kind
    measure: Measure | None
    at_least: bool = False

    @property
    def suffix(self) -> str:
        """What a gate's name says of the unit."""
        return f"_{self.unit}" if self.unit in ("s", "ms") else ""


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


def _column(calls: pd.DataFrame, name: str) -> Values:
    return calls[name].dropna().to_numpy(dtype="float64")


def _share(missed: pd.Series) -> Bounds | None:
    hits, n = int(missed.sum()), len(missed)
    return Bounds(hits / n, *share_bounds(hits, n, TAIL), n) if n else None


def _not_answered(calls: pd.DataFrame, q: float, tau_s: float) -> Bounds | None:
    return _share(~calls["answered"])


def _silent(calls: pd.DataFrame, q: float, tau_s: float) -> Bounds | None:
    """Of the answered calls whose media were measured, those without an audible sound."""
    return _share(calls.loc[calls["answered"] & calls["silent"].notna(), "silent"].astype(bool))


def _went_silent(calls: pd.DataFrame, q: float, tau_s: float) -> Bounds | None:
    """Of the calls in which the agent was heard and spoken to, those that it left without a sound."""
    return _share(went_silent(calls[spoken_with(calls)]))


def _rmst(calls: pd.DataFrame, q: float, tau_s: float) -> Bounds | None:
    waits = np.minimum(_column(calls, "ring_to_answer_s"), tau_s)
    if waits.size == 0:
        return None
    return Bounds(float(waits.mean()), *mean_bounds(waits, tau_s, TAIL), waits.size)


def _percentile_of(sample: Callable[[pd.DataFrame], Sample]) -> Measure:
    def measure(calls: pd.DataFrame, q: float, tau_s: float) -> Bounds | None:
        values, errors = sample(calls)
        if values.size == 0:
            return None
        earliest, latest = envelope(values, errors)
        low, high = percentile_bounds(earliest, q, TAIL)[0], percentile_bounds(latest, q, TAIL)[1]
        return Bounds(quantile(np.sort(values), q), low, high, values.size)

    return measure


def _each(column: str) -> Measure:
    """A percentile of one value a call."""
    return _percentile_of(lambda calls: (_column(calls, column), 0.0))


def _dispatch(calls: pd.DataFrame) -> Sample:
    """Infinite where a caller was in a room that no agent came to."""
    waits = calls["dispatch_s"].where(calls["agent_joined_unix"].notna(), np.inf)
    return waits[calls["sip_joined_unix"].notna()].dropna().to_numpy(dtype="float64"), 0.0


def _session_disconnect(calls: pd.DataFrame) -> Sample:
    """Infinite where a BYE was never answered."""
    waits = calls["disconnect_delay_s"].where(calls["bye_answered_s"].notna(), np.inf)
    return waits[calls["bye_s"].notna()].dropna().to_numpy(dtype="float64"), 0.0


_METRICS = (
    Metric("not_answered", "not answered", "share", Kind.SHARE, _not_answered),
    Metric("silent", "answered and silent", "share", Kind.SHARE, _silent),
    Metric("went_silent", "went silent", "share", Kind.SHARE, _went_silent),
    Metric("ring_to_answer", "ring-to-answer", "s", Kind.PERCENTILE, _each("ring_to_answer_s")),
    Metric("rmst", "mean ring within τ", "s", Kind.MEAN, _rmst),
    Metric(
        "agent_connect",
        "agent connect latency",
        "s",
        Kind.PERCENTILE,
        _percentile_of(lambda calls: agent_connect(calls)[:2]),
    ),
    Metric("post_dial_delay", "post-dial delay", "s", Kind.PERCENTILE, _each("post_dial_delay_s")),
    Metric("setup", "setup", "s", Kind.PERCENTILE, _each("setup_s")),
    Metric("greeting", "greeting latency", "s", Kind.PERCENTILE, _each("greeting_s")),
    Metric("wait", "caller's wait", "s", Kind.PERCENTILE, _each("wait_s")),
    Metric(
        "response",
        "response",
        "s",
        Kind.PERCENTILE,
        _percentile_of(lambda calls: (responses(calls).dropna().to_numpy(dtype="float64"), 0.0)),
    ),
    Metric("dispatch", "dispatch", "s", Kind.PERCENTILE, _percentile_of(_dispatch)),
    Metric(
        "session_disconnect",
        "session disconnect delay",
        "s",
        Kind.PERCENTILE,
        _percentile_of(_session_disconnect),
    ),
    Metric("mos", "MOS", "MOS", Kind.PERCENTILE, _each("rtp_mos"), at_least=True),
    Metric("rtp_loss", "RTP loss", "share", Kind.PERCENTILE, _each("rtp_loss")),
    Metric("rtp_jitter", "RTP jitter", "ms", Kind.PERCENTILE, _each("rtp_jitter_ms")),
    Metric("capacity", "capacity", "load", Kind.SEARCHED, None, at_least=True),
    Metric(
        "regression_rmst", "mean ring within τ, less the baseline's (not randomised)", "s", Kind.CHANGE, None
    ),
    Metric(
        "regression_not_answered",
        "not answered, less the baseline's (not randomised)",
        "share",
        Kind.CHANGE,
        None,
    ),
    Metric(
        "regression_capacity",
        "capacity's change since the baseline (not randomised)",
        "share",
        Kind.CHANGE,
        None,
        at_least=True,
    ),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _METRICS}
