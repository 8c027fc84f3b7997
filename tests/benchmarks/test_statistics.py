"""The statistics' own figures by simulation: briefly here, all of them in the slow one."""

import argparse
from pathlib import Path

import pytest

from benchmarks import statistics
from benchmarks.errors import BenchmarkError


def test_few_stalls_are_enough_for_an_interval_that_holds_the_truth() -> None:
    """Of 100 runs of 100 calls an arm 95 % hold it, where resampling alone would hold it in 80 %."""
    effects = [run.delta_not_answered for run in statistics.simulated(statistics.RARE, 100, 1)]
    held = sum(statistics.within(effect.low, 0.0, effect.high) for effect in effects)
    assert held / 100 >= 0.95


def test_a_run_that_is_none_is_refused(tmp_path: Path) -> None:
    """In one sentence."""
    with pytest.raises(BenchmarkError, match=r"holds no run\.json"):
        statistics.recorded(tmp_path, 10, 1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_figure_meets_its_aim(capsys: pytest.CaptureFixture[str]) -> None:
    """Exact intervals ≥ 95 %, bootstraps 93-97 %, equal arms ≤ 6 %, 2 % stalls found ≥ 80 %: printed."""
    lines = list(statistics.measure(argparse.Namespace(simulations=2000, seed=1, run=None)))
    with capsys.disabled():
        for line in lines:
            print(f"{line['share']:7.1%} {line['aim']} {line['figure']}: {line['scenario']}")
    assert [line for line in lines if line["met"] is False] == []
