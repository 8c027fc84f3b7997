"""What the faults foretell, by kind of arm."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from analysis.prediction import longest_stall_s, predictions
from analysis.run import Run


def test_a_silent_set_up_is_lost_without_a_bound_and_kept_with_one(make_run: Callable[..., Run]) -> None:
    """Nine silent set-ups an arm foretell nine unanswered calls unbounded and none bounded by 5 s."""
    unbounded, bounded = predictions(make_run())
    assert (unbounded.stalled, unbounded.outlast_share, unbounded.predicted_not_answered) == (9, 1.0, 9)
    assert (bounded.stalled, bounded.outlast_share, bounded.predicted_not_answered) == (9, 0.0, 0)
    assert unbounded.agrees
    assert bounded.agrees


def test_a_bound_beyond_the_ring_timeout_saves_nobody(make_run: Callable[..., Run]) -> None:
    """With a bound of 20 s and τ = 15 s the bounded arm is foretold to lose its stalled calls too."""
    assert predictions(make_run(bound_s=20.0))[1].predicted_not_answered == 9


def test_a_timed_fault_is_judged_by_how_long_it_held(make_run: Callable[..., Run]) -> None:
    """A set-up answered after 2 s outlasts no ring of 15 s; one held 40 s does."""
    run = make_run()
    faults = run.faults.assign(
        kind="latency=2", held_s=np.where(np.arange(len(run.faults)) % 2 == 0, 2.0, 40.0)
    )
    unbounded = predictions(dataclasses.replace(run, faults=faults))[0]
    assert 0 < unbounded.predicted_not_answered < unbounded.stalled


@pytest.mark.parametrize("kind", ["drip", "slow-headers", "tls-slow"])
def test_a_fault_that_never_ends_outlasts_every_ring(make_run: Callable[..., Run], kind: str) -> None:
    """What is written of it is when its job was ended, however soon that was."""
    run = make_run()
    unbounded = predictions(dataclasses.replace(run, faults=run.faults.assign(kind=kind, held_s=0.5)))[0]
    assert unbounded.predicted_not_answered == unbounded.stalled


@pytest.mark.parametrize("kind", ["reset", "http-503", "refused", "tls-alert", "truncated"])
def test_a_fault_that_fails_at_once_loses_no_call(make_run: Callable[..., Run], kind: str) -> None:
    """The filter is off for that call, and the call goes on."""
    run = make_run()
    unbounded = predictions(dataclasses.replace(run, faults=run.faults.assign(kind=kind, held_s=0.01)))[0]
    assert unbounded.predicted_not_answered == 0


def test_a_measurement_that_the_faults_do_not_explain_is_flagged(make_run: Callable[..., Run]) -> None:
    """Unanswered calls in an arm where no stall outlasts the ring cannot be chance."""
    bounded = predictions(make_run(outcomes=dict.fromkeys(range(20), "agent_failed")))[1]
    assert bounded.agrees is False


def test_without_faults_nothing_is_foretold(make_run: Callable[..., Run]) -> None:
    """A run whose set-ups nobody mistreated has no prediction."""
    assert predictions(make_run(stalled_share=0.0)) == []


@pytest.mark.parametrize(
    ("kind", "stall_s"),
    [
        ("unbounded", np.inf),
        ("bounded", 5.0),
        ("none", 0.0),
        ("deferred", 0.0),
        ("vendor-0.2.6", np.inf),
        ("vendor-0.2.6-bounded", 5.0),
        ("vendor-0.3.2", 0.0),
        ("ffi:patched", None),
    ],
)
def test_the_longest_stall_follows_from_the_arms_kind(kind: str, stall_s: float | None) -> None:
    """A kind that does not tell how it bounds its set-up foretells nothing."""
    assert longest_stall_s(kind, 5.0) == stall_s


def test_faults_whose_calls_are_not_known_foretell_nothing(make_run: Callable[..., Run]) -> None:
    """Without the rooms' side nobody knows which call a fault met."""
    assert predictions(dataclasses.replace(make_run(), observe="off")) == []
