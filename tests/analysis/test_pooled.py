"""Runs side by side: like ones kept apart, unlike ones refused."""

from collections.abc import Callable

import pytest

from analysis.errors import UnlikeRunsError
from analysis.pooled import side_by_side
from analysis.run import Run
from analysis.summary import summarise


def test_runs_side_by_side_pool_nothing(make_run: Callable[..., Run]) -> None:
    """Each arm keeps its run's name and its 30 calls, and only arms of one run count as randomised."""
    first, second = make_run(), make_run(seed=8)
    summary = summarise(side_by_side([first, second]))
    assert [arm.calls for arm in summary.arms.values()] == [30, 30, 30, 30]
    assert list(summary.arms) == ["unbounded@run-0", "bounded@run-0", "unbounded@run-1", "bounded@run-1"]
    randomised = [(c.reference, c.candidate) for c in summary.comparisons if c.randomised]
    assert randomised == [("unbounded@run-0", "bounded@run-0"), ("unbounded@run-1", "bounded@run-1")]
    assert all(c.delta_rmst_s.p is None for c in summary.comparisons if not c.randomised)


def test_unlike_runs_are_refused_by_what_differs(make_run: Callable[..., Run]) -> None:
    """Another τ and another hold are both named."""
    with pytest.raises(UnlikeRunsError, match="they differ in hold, tau"):
        side_by_side([make_run(), make_run(tau_s=20.0, hold_s=6.0)])


def test_one_run_named_twice_is_refused(make_run: Callable[..., Run]) -> None:
    """A run is no second opinion on itself."""
    run = make_run()
    with pytest.raises(UnlikeRunsError, match="named twice"):
        side_by_side([run, run])
