"""A run held against earlier ones: fixed margins, the spread of several, and what it does to the verdict."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from scipy import stats

from analysis.errors import AnalysisError, BrokenFileError, UnlikeRunsError
from analysis.gates import Gate, Verdict
from analysis.intervals import Estimate, share
from analysis.kept import Kept, figures_of
from analysis.regression import Regression, regressions
from analysis.run import Run
from analysis.summary import summarise

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "summary.json").read_text())
QUICK = {"stalled_share": 0.0, "gates": {"not_answered": 0.1}}


def _kept(name: str, figure: Estimate, run_id: str = "old") -> Kept:
    return Kept(run_id=run_id, started_unix=0.0, versions={}, conditions={}, figures={name: figure})


def _gate(name: str, now: Estimate, *before: Estimate, **limits: float) -> Gate:
    kept = [_kept(name, each, f"old-{place}") for place, each in enumerate(before)]
    (gate,) = regressions("new", {name: now}, kept, limits)
    return gate


@pytest.mark.parametrize(
    ("hits", "verdict"), [(2, Verdict.PASSED), (20, Verdict.UNDECIDED), (60, Verdict.FAILED)]
)
def test_a_difference_is_held_to_a_fixed_margin_by_its_bounds(hits: int, verdict: Verdict) -> None:
    """Of 1,000 calls 2 were lost before: 2 more of 100 are allowed, and both runs' chance is counted."""
    gate = _gate("regression_not_answered", share(hits, 1000), share(2, 1000))

    assert (gate.verdict, gate.limit, gate.n) == (verdict, 0.02, 1000)
    assert gate.value == pytest.approx(hits / 1000 - 0.002)


def test_two_baselines_stand_for_their_mean_with_less_chance_than_one() -> None:
    """The bounds of a mean of independent estimates are narrower by the root of their number."""
    one = _gate("regression_not_answered", share(50, 1000), share(50, 1000))
    two = _gate("regression_not_answered", share(50, 1000), share(50, 1000), share(50, 1000))

    assert one.high is not None
    assert two.high is not None
    own = share(50, 1000)
    assert own.value is not None
    assert own.low is not None
    assert own.high is not None
    assert one.high == pytest.approx(math.hypot(own.high - own.value, own.value - own.low))
    assert two.high == pytest.approx(math.hypot(own.high - own.value, (own.value - own.low) / math.sqrt(2)))


def _ring(mean_s: float) -> Estimate:
    return Estimate(mean_s, mean_s - 0.01, mean_s + 0.01, 400)


def test_three_baselines_set_the_margin_by_their_spread() -> None:
    """What one more run of a normal kind exceeds once in twenty: t times s times the root of 1 + 1/3."""
    before = [_ring(each) for each in (0.4, 0.5, 0.6)]
    reach = float(stats.t.ppf(0.95, 2)) * 0.1 * math.sqrt(4 / 3)

    within, beyond = (_gate("regression_rmst_s", _ring(0.5 + reach + more), *before) for more in (-0.01, 0.1))

    assert within.limit == pytest.approx(reach)
    assert (within.verdict, beyond.verdict) == (Verdict.PASSED, Verdict.FAILED)


def test_beyond_the_spread_and_within_chance_is_undecided() -> None:
    """Three baselines that lost nothing have no spread; one call lost of 400 may be chance."""
    nothing = share(0, 400)

    assert _gate("regression_not_answered", share(1, 400), *[nothing] * 3).verdict is Verdict.UNDECIDED
    assert _gate("regression_not_answered", nothing, *[nothing] * 3).verdict is Verdict.PASSED
    assert _gate("regression_not_answered", share(40, 400), *[nothing] * 3).verdict is Verdict.FAILED


def test_one_run_in_twenty_like_the_baselines_lies_beyond_their_spread() -> None:
    """The prediction limit keeps what it says, for three baselines and a run of the same kind."""
    draw = np.random.default_rng(1)
    runs = draw.normal(1.0, 0.1, size=(1000, 4))
    beyond = 0
    for *before, now in runs:
        kept = [Estimate(each, each, each, 400) for each in before]
        beyond += (
            _gate("regression_rmst_s", Estimate(now, now, now, 400), *kept).verdict is not Verdict.PASSED
        )

    assert 0.03 < beyond / len(runs) < 0.07


def test_a_margin_that_is_asked_for_comes_before_the_spread() -> None:
    """Then the difference to the baselines' mean is held to it by its bounds."""
    before = [_ring(each) for each in (0.1, 1.0, 2.0)]

    gate = _gate("regression_rmst_s", _ring(1.6), *before, regression_rmst_s=0.3)

    assert (gate.verdict, gate.limit) == (Verdict.FAILED, 0.3)


def _knee(low: float | None, high: float | None) -> Estimate:
    return Estimate(math.sqrt(low * high) if low and high else None, low, high, 500)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.0, 1.2, Verdict.PASSED),
        (0.9, 1.08, Verdict.PASSED),
        (0.7, 0.84, Verdict.UNDECIDED),
        (0.5, 0.6, Verdict.FAILED),
        (1.0, None, Verdict.PASSED),
        (None, 0.6, Verdict.FAILED),
        (None, 1.2, Verdict.UNDECIDED),
    ],
)
def test_capacity_may_fall_by_three_tenths(low: float | None, high: float | None, verdict: Verdict) -> None:
    """By the bounds of the ratio; where an interval is open, from the least that it can be to the most."""
    gate = _gate("regression_capacity", _knee(low, high), _knee(1.0, 1.2))

    assert (gate.verdict, gate.limit) == (verdict, -0.3)
    assert (gate.value is None) == (low is None or high is None)


def test_the_spread_of_capacities_is_that_of_their_ratios() -> None:
    """Loads are found on a scale of ratios; a search without an end has no spread, so the margin holds."""
    before = [_knee(low, 1.2 * low) for low in (0.9, 1.0, 1.1)]

    assert _gate("regression_capacity", _knee(0.95, 1.14), *before).verdict is Verdict.PASSED
    assert _gate("regression_capacity", _knee(0.3, 0.36), *before).verdict is Verdict.FAILED
    assert _gate("regression_capacity", _knee(1.0, 1.2), *before[:2], _knee(1.0, None)).limit == -0.3


def test_a_figure_that_one_side_lacks_leaves_its_gate_open() -> None:
    """Nothing is made of a baseline that measured something else."""
    now = {"regression_rmst_s": _ring(0.5)}
    other = _kept("regression_capacity", _knee(1.0, 1.2))

    assert [gate.verdict for gate in regressions("new", now, [other], {})] == [Verdict.UNDECIDED]


def _summary(run: Run, *before: Run) -> dict[str, Any]:
    kept = [Kept.of(summarise(each).document(), each.run_ids[0]) for each in before]
    document: dict[str, Any] = json.loads(json.dumps(summarise(run, kept).document(), allow_nan=False))
    jsonschema.validate(document, SCHEMA)
    return document


def test_a_release_that_rings_longer_fails_by_what_changed(make_run: Callable[..., Run]) -> None:
    """All of the run's own gates are kept; the difference is not, and is said not to be randomised."""
    fields = {**QUICK, "calls": 120}
    document = _summary(make_run(**fields, clean_ring_s=9.0, seed=8), make_run(**fields))

    gates = {gate["name"]: gate["verdict"] for gate in document["gates"]}
    assert gates["not_answered"] == "passed"
    assert gates["regression_rmst_s"] == "failed"
    assert document["exit_code"] == 3
    assert "less the baseline's (not randomised)" in document["sentence"]
    assert document["regression"]["rule"] == "fixed margins on the difference"
    assert [each["run_id"] for each in document["regression"]["baselines"]] == ["run-1"]


def test_a_run_like_the_one_before_is_not_held_back(make_run: Callable[..., Run]) -> None:
    """With few calls its loss is open; its ring is not."""
    document = _summary(make_run(**QUICK, calls=400, seed=8), make_run(**QUICK, calls=400))

    assert {gate["name"]: gate["verdict"] for gate in document["gates"]} == {
        "not_answered": "passed",
        "regression_rmst_s": "passed",
        "regression_not_answered": "passed",
    }


def test_a_kept_summary_serves_as_well_as_its_folder(make_run: Callable[..., Run]) -> None:
    """What was written and read again is what was there."""
    document = summarise(make_run(calls=8)).document()

    assert Kept.of(json.loads(json.dumps(document)), "summary.json") == Kept.of(document, "summary.json")


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"conditions": None}, BrokenFileError, "is not what a summary.json must be"),
        ({"verdict": "not_valid"}, UnlikeRunsError, "was not valid, so nothing can be held against it"),
        ({"run_ids": ["a", "b"]}, UnlikeRunsError, "tells of several runs"),
        ({"format": 2}, AnalysisError, "update ringtime"),
        ({"arms": {}}, BrokenFileError, "is not what a summary.json must be"),
    ],
)
def test_what_cannot_serve_is_refused_with_the_reason(
    make_run: Callable[..., Run], changed: Mapping[str, object], error: type[AnalysisError], said: str
) -> None:
    """One sentence each."""
    document = summarise(make_run(calls=8)).document()

    with pytest.raises(error, match=said):
        Kept.of({**document, **changed}, "old.json").refuse_unlike("new", {})


def test_a_summary_of_an_earlier_version_is_refused_with_what_to_do(make_run: Callable[..., Run]) -> None:
    """Without the conditions nobody knows whether the two runs are alike."""
    document = summarise(make_run(calls=8)).document()
    del document["conditions"]

    with pytest.raises(BrokenFileError, match="read that again with `python -m reports`"):
        Kept.of(document, "old.json")


def test_unlike_runs_and_the_run_itself_are_refused(make_run: Callable[..., Run]) -> None:
    """The keys that differ are named with both values; other versions, seeds and times are no matter."""
    run = make_run(calls=8)
    kept = Kept.of(summarise(run).document(), "old")

    with pytest.raises(UnlikeRunsError, match=r"differ in hold \(4.0 there, 6.0 here\) and tau"):
        summarise(make_run(calls=8, tau_s=20.0, hold_s=6.0), [kept])
    with pytest.raises(UnlikeRunsError, match="is the run itself"):
        summarise(run, [kept])
    assert summarise(make_run(calls=8, seed=9, start_unix=1_800_000_000.0), [kept]).regression is not None


def test_a_search_is_held_to_its_capacity_alone() -> None:
    """Its holds are at the loads that it found; a look at one given load is like any run."""
    figure = {"value": 0.1, "low": 0.0, "high": 0.4, "n": 10}
    arm = {"rmst_s": figure, "not_answered_share": figure}
    knee = {"arm": "new", "profile": "clean", "low": 1.0, "high": 1.2, "calls": 300}
    document = {
        "candidate": "new",
        "arms": {"new": arm},
        "capacity": {"knees": [knee, knee | {"arm": "old"}]},
        "conditions": {"search": {"smoke": None}},
    }

    assert list(figures_of(document)) == ["regression_capacity"]
    document["capacity"] = {"knees": [knee, knee | {"profile": "wifi"}]}
    assert list(figures_of(document)) == ["regression_capacity@clean", "regression_capacity@wifi"]
    document["conditions"] = {"search": {"smoke": 0.5}}
    assert list(figures_of(document)) == ["regression_rmst_s", "regression_not_answered"]


def test_the_rule_says_what_decides() -> None:
    """Fixed margins, the spread, or both."""
    kept = [_kept("regression_rmst_s", _ring(0.5), f"old-{place}") for place in range(3)]

    assert Regression.of({}, kept[:2], {}).rule == "fixed margins on the difference"
    assert Regression.of({}, kept, {}).rule == "the spread of the 3 baselines"
    assert Regression.of({}, kept, {"regression_rmst_s": 1.0, "rmst_s": 2.0}).rule == (
        "the spread of the 3 baselines, and fixed margins, as asked for, on regression_rmst_s"
    )


def test_a_release_that_carries_half_as_much_fails_by_its_capacity(
    make_capacity_run: Callable[..., Run],
) -> None:
    """The later search finds half of the load; of its holds, at loads of their own, nothing is compared."""
    fields = {"bursts": (), "gates": {"not_answered": 0.1}}
    document = _summary(
        make_capacity_run(servers=1, start=0.25, seed=12, **fields), make_capacity_run(**fields)
    )

    found = {gate["name"]: gate for gate in document["gates"] if gate["name"].startswith("regression")}
    assert list(found) == ["regression_capacity"]
    assert found["regression_capacity"]["verdict"] == "failed"
    assert found["regression_capacity"]["value"] == pytest.approx(-0.5, abs=0.15)
    assert document["exit_code"] == 3
    assert "capacity's change since the baseline (not randomised)" in document["sentence"]


def test_the_same_deployment_searched_again_has_not_changed(make_capacity_run: Callable[..., Run]) -> None:
    """Where both find one interval, twice that may differ by less than the margin."""
    fields = {"bursts": (), "gates": {"not_answered": 0.1}}
    before = make_capacity_run(**fields)
    document = _summary(make_capacity_run(**fields, start_unix=1_800_000_000.0), before)

    gate = next(gate for gate in document["gates"] if gate["name"] == "regression_capacity")
    assert (gate["verdict"], gate["value"]) == ("passed", 0.0)
