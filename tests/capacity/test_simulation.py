"""The whole search on simulated deployments of known knee, as `python -m benchmarks capacity` has it."""

import argparse
from itertools import islice
from random import Random
from typing import Any

import pytest

from benchmarks.capacity import measure
from benchmarks.deployments import SHARE, Queue, Slope


def measured(simulations: int, budget_min: float | None = None) -> dict[str, dict[str, Any]]:
    """What the benchmark says of each kind of deployment, and of all."""
    options = argparse.Namespace(simulations=simulations, seed=1, budget=budget_min)
    return {line["deployments"]: line for line in measure(options)}


def test_the_interval_holds_the_true_knee_of_500_deployments(capsys: pytest.CaptureFixture[str]) -> None:
    """In 90 % of them or more, in nearly all whose calls fail independently; what it cost is printed."""
    lines = measured(501)
    with capsys.disabled():
        for kind, line in lines.items():
            calls = line["calls"]
            print(
                f"\n{kind}: {line['held']:.1%} of {line['simulations']} held, calls spent: mean"
                f" {calls['mean']:.0f}, median {calls['p50']:.0f}, p90 {calls['p90']:.0f}",
                end="",
            )
    assert lines["all"]["simulations"] >= 500
    assert lines["all"]["held"] >= 0.9
    assert min(lines["slopes"]["held"], lines["cliffs"]["held"]) >= 0.97


def test_twenty_minutes_leave_few_intervals_open() -> None:
    """Of knees from 0.3 to 6 calls per second nine of ten have both ends, and no search takes longer."""
    found = measured(90, budget_min=20)["all"]
    assert found["open"] <= 0.1
    assert found["minutes"]["p95"] <= 20


@pytest.mark.parametrize("queue", [Queue(1, 0.5), Queue(4, 0.4), Queue(8, 0.6)])
def test_a_simulated_queue_is_as_late_as_theory_says(queue: Queue) -> None:
    """At its knee, in the long run, 5 % of the calls: Erlang's formula and the simulation agree."""
    n = 200_000
    late = sum(bad for _, bad in islice(queue.calls(queue.knee, Random(1)), n)) / n
    assert queue.share(queue.knee) == pytest.approx(SHARE, abs=1e-6)
    assert late == pytest.approx(SHARE, abs=0.01)


def test_a_slope_has_the_share_of_the_gate_at_its_knee() -> None:
    """Below it less, above it more."""
    slope = Slope(knee=2.0, steepness=4.0, stray=0.01, lost=0.5)
    assert slope.share(2.0) == pytest.approx(SHARE)
    assert slope.share(1.0) < SHARE < slope.share(4.0)
