"""The same samples by lifelines and statsmodels, as references/make.py had them."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.compare import holm
from analysis.intervals import share, shares_bounds
from analysis.survival import rmst, still_waiting

REFERENCES = json.loads((Path(__file__).parent / "references" / "values.json").read_text())


@pytest.mark.parametrize("name", REFERENCES["survival"])
def test_the_curve_and_its_area_are_those_of_lifelines(name: str) -> None:
    """Freireich's remissions (1963) and 200 rings: Kaplan-Meier at each answer, and the mean up to τ."""
    reference = REFERENCES["survival"][name]
    sample = np.array([np.inf if value is None else value for value in reference["values"]])
    curve = still_waiting(sample, reference["tau"])
    assert curve.time_s[1:-1] == pytest.approx(reference["times"])
    assert curve.waiting[1:-1] == pytest.approx(reference["waiting"])
    assert rmst(sample, reference["tau"]).value == pytest.approx(reference["rmst"])


@pytest.mark.parametrize("reference", REFERENCES["clopper_pearson"], ids=str)
def test_intervals_of_shares_are_those_of_statsmodels(reference: dict[str, object]) -> None:
    """From none of one to 20 of 100,000, one by one and several at once."""
    hits, n = reference["hits"], reference["n"]
    found = share(hits, n)
    assert (found.low, found.high) == pytest.approx(tuple(reference["bounds"]), rel=1e-8)
    several = shares_bounds(np.array([hits, 0]), n, 0.025)
    assert [bound[0] for bound in several] == pytest.approx([found.low, found.high])


@pytest.mark.parametrize("reference", REFERENCES["holm"], ids=str)
def test_holms_adjustment_is_that_of_statsmodels(reference: dict[str, list[float]]) -> None:
    """Ties and values beyond 1 among them."""
    assert holm(reference["p"]) == pytest.approx(reference["adjusted"])
