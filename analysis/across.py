"""The same arm in two runs: a difference in time, never a randomised one, so it has an interval and no p."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.compare import ALPHA, Comparison, Detectable, Effect
from analysis.intervals import mean_bounds, share_bounds

Sided = tuple[float, float, float]  # an estimate, its lower and its upper bound


def across(calls: pd.DataFrame, reference: str, candidate: str, *, tau_s: float) -> Comparison:
    """An arm against itself in an earlier run.

    Nothing was drawn by lot between the runs, so what the interval covers is chance alone, not the day.
    """
    before, after = (calls[calls["arm"] == arm] for arm in (reference, candidate))
    ring = missed = Effect(None, None, None, None, None)
    if not before.empty and not after.empty:
        ring = _effect(_ring(before, tau_s), _ring(after, tau_s))
        missed = _effect(_missed(before), _missed(after))
    return Comparison(reference, candidate, ring, missed, Detectable(None, None), randomised=False, blocks=0)


def difference(before: Sided, after: Sided) -> Sided:
    """The difference of two independent estimates, its bounds recovered from theirs.

    Each bound is as far from it as those of the two sides are from them, squared and added: Newcombe (1998,
    method 10) for shares, Zou and Donner (2008) for any estimate. With exact sides it is no narrower than it
    says.
    """
    value = after[0] - before[0]
    return (
        value,
        value - math.hypot(after[0] - after[1], before[2] - before[0]),
        value + math.hypot(after[2] - after[0], before[0] - before[1]),
    )


def average(each: Sequence[Sided]) -> Sided:
    """The mean of independent estimates, its bounds recovered from theirs in the same way."""
    value = sum(one[0] for one in each) / len(each)
    return (
        value,
        value - math.hypot(*(one[0] - one[1] for one in each)) / len(each),
        value + math.hypot(*(one[2] - one[0] for one in each)) / len(each),
    )


def _effect(before: Sided, after: Sided) -> Effect:
    return Effect(*difference(before, after), p=None, p_adjusted=None)


def _ring(calls: pd.DataFrame, tau_s: float) -> Sided:
    waits = np.minimum(calls["ring_to_answer_s"].to_numpy(dtype="float64"), tau_s)
    return float(waits.mean()), *mean_bounds(waits, tau_s, ALPHA / 2)


def _missed(calls: pd.DataFrame) -> Sided:
    hits, n = int((~calls["answered"]).sum()), len(calls)
    return hits / n, *share_bounds(hits, n, ALPHA / 2)
