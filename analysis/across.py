"""The same arm in two runs: a difference in time, never a randomised one, so it has an interval and no p."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from analysis.compare import Comparison, Detectable, Effect, newcombe
from analysis.intervals import CONFIDENCE


def across(calls: pd.DataFrame, reference: str, candidate: str, *, tau_s: float) -> Comparison:
    """An arm against itself in an earlier run.

    Nothing was drawn by lot between the runs, so what the interval covers is chance alone, not the day.
    """
    pair = calls[calls["arm"].isin([reference, candidate])]
    waits = pair["ring_to_answer_s"].clip(upper=tau_s)
    ring = _difference(waits[pair["arm"] == reference], waits[pair["arm"] == candidate])
    missed = (~pair["answered"]).astype("float64")
    share = _difference(missed[pair["arm"] == reference], missed[pair["arm"] == candidate])
    if share.value is not None:
        low, high = newcombe(pair, reference, candidate)
        share = Effect(share.value, low, high, None, None)
    return Comparison(reference, candidate, ring, share, Detectable(None, None), randomised=False, blocks=0)


def _difference(before: pd.Series, after: pd.Series) -> Effect:
    """Welch's interval of the difference of two means."""
    if len(before) < 2 or len(after) < 2:
        return Effect(None, None, None, None, None)
    value = float(after.mean() - before.mean())
    parts = np.array([before.var() / len(before), after.var() / len(after)])
    error = math.sqrt(float(parts.sum()))
    if error == 0:
        return Effect(value, value, value, None, None)
    freedom = float(parts.sum() ** 2 / np.sum(parts**2 / [len(before) - 1, len(after) - 1]))
    reach = float(stats.t.ppf(1 - (1 - CONFIDENCE) / 2, freedom)) * error
    return Effect(value, value - reach, value + reach, None, None)
