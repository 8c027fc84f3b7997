"""Runs over time: their order, what changed between neighbours, and what moved by more than chance."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.errors import UnlikeRunsError
from analysis.history import Change, changes, history_of
from analysis.history_line import history_line
from analysis.load import load
from analysis.pooled import side_by_side

WriteRun = Callable[..., Path]
ONE = {"arms": (("agent", "unbounded"),), "calls": 40}


def test_runs_stand_in_the_order_of_their_time(write_run: WriteRun) -> None:
    """Whatever the order they are named in, the oldest is first and has nothing before it."""
    late, early = write_run(**ONE, start_unix=2e9), write_run(**ONE, start_unix=1.9e9, seed=9)

    first, second = history_of([load(late), load(early)])

    assert (first.run_id, second.run_id) == (early.name, late.name)
    assert first.steps[0].delta_rmst_s is None
    assert second.steps[0].delta_rmst_s is not None


def test_a_release_that_moved_the_figures_is_told_from_one_that_did_not(write_run: WriteRun) -> None:
    """40 calls of which 70 % hang after 40 of which none did; then the same again."""
    runs = [
        load(write_run(**ONE, stalled_share=share, start_unix=1.9e9 + 1e4 * place, seed=place))
        for place, share in enumerate((0.0, 0.7, 0.7))
    ]

    _, moved, same = history_of(runs)

    assert moved.steps[0].moved == ("not answered", "mean ring")
    assert same.steps[0].moved == ()


def test_changed_versions_are_named() -> None:
    """A part that came, one that went and one that is another; what stayed is left out."""
    assert changes({"a": "1", "b": "1", "c": "1"}, {"a": "2", "c": "1", "d": "1"}) == (
        Change("a", "1", "2"),
        Change("d", None, "1"),
        Change("b", "1", None),
    )


def test_unlike_runs_are_refused_with_what_differs(write_run: WriteRun) -> None:
    """Another ring timeout is another experiment; other versions are not."""
    first, other, newer = write_run(**ONE), write_run(**ONE, tau_s=20.0), write_run(**ONE)
    path = newer / "run.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps(settings | {"versions": {"livekit-agents": "9"}}))

    with pytest.raises(UnlikeRunsError, match="they differ in tau"):
        side_by_side([load(first), load(other)])
    assert len(side_by_side([load(first), load(newer)]).arms) == 2


def test_a_history_can_be_drawn(write_run: WriteRun) -> None:
    """One run, and several of which one has no calls; each figure is in the words beside the picture."""
    runs = [load(write_run(**ONE)), load(write_run(**(ONE | {"calls": 0, "warm_up": 0}), start_unix=2e9))]

    assert history_line(history_of(runs[:1]), 15.0).svg().startswith(b"<?xml")
    assert "not answered" in history_line(history_of(runs), 15.0).alt
