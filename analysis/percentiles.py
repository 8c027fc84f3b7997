"""The percentiles that an arm's figures are told by, each with its interval."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.intervals import QUANTILES, Estimate, Values, percentiles

LOW_QUANTILES = {"p1": 0.01, "p5": 0.05, "p10": 0.1, "p50": 0.5}


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Four percentiles of one value a call."""

    p50: Estimate
    p90: Estimate
    p95: Estimate
    p99: Estimate


@dataclass(frozen=True, slots=True)
class LowPercentiles:
    """Four percentiles of what is worst where it is low."""

    p1: Estimate
    p5: Estimate
    p10: Estimate
    p50: Estimate


def percentiles_of(values: Values, limit: float = np.inf, errors: Values | float = 0.0) -> Percentiles:
    """The four percentiles of values that may be infinite, observed as far as `limit`, within `errors`."""
    found = percentiles(values, QUANTILES.values(), limit=limit, errors=errors)
    return Percentiles(**dict(zip(QUANTILES, found, strict=True)))


def low_percentiles_of(values: Values) -> LowPercentiles:
    """The four low percentiles."""
    found = percentiles(values, LOW_QUANTILES.values())
    return LowPercentiles(**dict(zip(LOW_QUANTILES, found, strict=True)))


def known(values: pd.Series) -> Values:
    """Those that are not missing."""
    return values.dropna().to_numpy(dtype="float64")
