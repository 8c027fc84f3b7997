"""How long callers were still waiting: Kaplan-Meier's curve up to the ring timeout, and its area."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.intervals import Estimate, Values, mean


@dataclass(frozen=True, slots=True)
class Curve:
    """The share still waiting from each time on (s after the first 18x), with a pointwise 95 % band."""

    time_s: Values
    waiting: Values
    low: Values
    high: Values
    n: int


def still_waiting(ring_s: Values, tau_s: float) -> Curve:
    """Kaplan-Meier's curve of the answers; calls without one are censored at `tau_s`, whatever ended them.

    The band is the exponential Greenwood one (log-log), which stays within 0 and 1.
    """
    answered = ring_s[ring_s <= tau_s]
    unanswered = np.full(ring_s.size - answered.size, tau_s)
    survival = stats.ecdf(stats.CensoredData(uncensored=answered, right=unanswered)).sf
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        band = survival.confidence_interval(method="log-log")
    keep = survival.quantiles <= tau_s
    at = survival.quantiles[keep]
    waiting = survival.probabilities[keep]
    # Where nobody, or everybody, has been answered the formula is 0/0.
    low = np.nan_to_num(band.low.probabilities[keep], nan=0.0)
    high = np.where(np.isnan(band.high.probabilities[keep]), waiting, band.high.probabilities[keep])
    start = np.zeros(1)
    end = np.array([tau_s])
    one = np.ones(1)
    return Curve(
        time_s=np.concatenate([start, at, end]),
        waiting=np.concatenate([one, waiting, waiting[-1:]]),
        low=np.concatenate([one, low, low[-1:]]),
        high=np.concatenate([one, high, high[-1:]]),
        n=ring_s.size,
    )


def rmst(ring_s: Values, tau_s: float) -> Estimate:
    """Restricted mean survival time: seconds a caller waits on average within the first `tau_s`.

    All censoring is at `tau_s`, so it is the plain mean of min(T, τ), which equals the area under the curve.
    """
    return mean(np.minimum(ring_s, tau_s), tau_s)


def at_risk(ring_s: Values, times_s: Values) -> list[int]:
    """How many callers were still waiting just before each time."""
    return [int(np.count_nonzero(ring_s >= time)) for time in times_s]
