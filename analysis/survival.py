"""How long callers were still waiting: Kaplan-Meier's curve up to the ring timeout, and its area."""

from dataclasses import dataclass

import numpy as np

from analysis.intervals import CONFIDENCE, Estimate, Values, mean, shares_bounds

_MOST_STEPS = 1_500


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

    Nobody is censored before `tau_s`, so that those still waiting are binomial at each time: the band is
    Clopper and Pearson's, exact also where nobody or everybody was answered, and at its end the interval of
    the share not answered. Of many thousand answers only some 1,500 are steps of the curve.
    """
    n = ring_s.size
    answered = np.sort(ring_s[ring_s <= tau_s])
    times, counts = np.unique(answered, return_counts=True)
    kept = np.unique(np.linspace(0, times.size - 1, min(times.size, _MOST_STEPS)).astype(np.int64))
    left = n - np.cumsum(counts)[kept]
    left = np.concatenate([[n], left, [n - answered.size]])
    low, high = shares_bounds(left, n, (1 - CONFIDENCE) / 2)
    low[0] = 1.0  # when it begins to ring everybody waits
    return Curve(np.concatenate([[0.0], times[kept], [tau_s]]), left / n, low, high, n)


def rmst(ring_s: Values, tau_s: float) -> Estimate:
    """Restricted mean survival time: seconds a caller waits on average within the first `tau_s`.

    All censoring is at `tau_s`, so it is the plain mean of min(T, τ), which equals the area under the curve.
    """
    return mean(np.minimum(ring_s, tau_s), tau_s)


def at_risk(ring_s: Values, times_s: Values) -> list[int]:
    """How many callers were still waiting just before each time."""
    return [int(np.count_nonzero(ring_s >= time)) for time in times_s]
