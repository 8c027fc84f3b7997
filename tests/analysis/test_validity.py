"""The tester's own shortfalls, each found by its check."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from analysis.run import Clock, Run
from analysis.validity import checks, lag_quantile


def _broken(run: Run) -> list[str]:
    return [check.name.split(",")[0].split(" (")[0] for check in checks(run) if not check.ok]


def test_a_good_run_passes_every_check(make_run: Callable[..., Run]) -> None:
    """The synthetic run is valid, and every check names a remedy."""
    run = make_run()
    assert _broken(run) == []
    assert all(check.remedy for check in checks(run))


def test_each_shortfall_breaks_its_own_check(make_run: Callable[..., Run]) -> None:
    """Late dials, a busy process, a lagging loop and an unknown clock each break one check and no other."""
    run = make_run()
    late = run.calls.assign(dial_lag_s=0.2)
    busy = run.health.assign(cpu_share=0.97)
    assert _broken(dataclasses.replace(run, calls=late)) == ["dial lag p99"]
    assert _broken(dataclasses.replace(run, health=busy)) == ["CPU of the busiest tester process"]
    lag = run.loop_lag.assign(lag_s=0.4)
    assert _broken(dataclasses.replace(run, loop_lag=lag)) == ["loop lag p99 of moments"]
    for clock in (None, Clock(0.0, 0.5)):
        assert _broken(dataclasses.replace(run, room_clock=clock)) == [
            "clock offset to the room side known to"
        ]


def test_what_the_tester_did_before_the_first_dial_is_not_held_against_it(
    make_run: Callable[..., Run],
) -> None:
    """A loop that lagged and a process that was busy while the lab came up break no check."""
    run = make_run()
    early = run.started_unix - 10.0
    lag = run.loop_lag.assign(lag_s=0.4, unix=early)
    busy = run.health.assign(cpu_share=1.0, unix=early)
    assert _broken(dataclasses.replace(run, loop_lag=lag, health=busy)) == []


def test_a_dropped_dial_in_sixty_is_too_many(make_run: Callable[..., Run]) -> None:
    """One dial of 64 that could not be made breaks both the dropped and the failed check."""
    assert _broken(make_run(outcomes={5: "tester_failed"})) == ["dropped dials", "calls the tester failed"]


def test_calls_without_rooms_are_told_where_rooms_are_observed(make_run: Callable[..., Run]) -> None:
    """Losing the rooms of a tenth of the answered calls breaks the check; not observing rooms does not."""
    run = make_run()
    rooms = run.calls["room"].where(np.arange(len(run.calls)) % 10 != 0)
    assert _broken(dataclasses.replace(run, calls=run.calls.assign(room=rooms))) == [
        "answered calls joined to their rooms"
    ]
    assert _broken(make_run(observed=False)) == []


def test_an_arm_without_a_call_makes_the_run_invalid(make_run: Callable[..., Run]) -> None:
    """A run of one call leaves an arm empty, and a run of none both."""
    assert "calls made in every arm" in _broken(make_run(calls=1))
    assert "calls made in every arm" in _broken(make_run(calls=0, warm_up=0))


@pytest.mark.parametrize(
    ("largest_s", "p99_s"),
    [([0.001] * 100, 0.0), ([0.0] * 99 + [0.5], 0.0), ([0.0] * 99 + [1.5], 0.5), ([0.05] * 10, 0.04)],
)
def test_loop_lag_counts_the_moments_that_it_delays(largest_s: list[float], p99_s: float) -> None:
    """One second of a hundred with 1.5 s of lag delays 1 % of moments by more than 0.5 s."""
    assert lag_quantile(np.array(largest_s), 0.99) == pytest.approx(p99_s, abs=1e-9)
