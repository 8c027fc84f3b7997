"""How often the statistics are right: intervals that hold the truth, equal arms told apart, stalls found.

Runs are simulated and go through the comparison as recorded ones do. Their calls ring for 0.5 s or so; some
are stalled and never answered; incidents, of a dozen calls each, slow or lose calls of both arms.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.calibration import told_apart
from analysis.compare import ALPHA, Comparison, compare
from analysis.errors import AnalysisError
from analysis.intervals import Estimate, Values, mean, percentile, share
from analysis.load import load
from analysis.survival import still_waiting
from benchmarks.errors import BenchmarkError

TAU_S = 60.0
REFERENCE, CANDIDATE = "reference", "candidate"
Aim = tuple[float, float]
EXACT, BOOTSTRAP = (0.95, 1.0), (0.93, 0.97)
_INCIDENT_CALLS = 12
_TRUTH_CALLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to calls: the share stalled in each arm, how many calls begin an incident, a shift."""

    name: str
    calls_per_arm: int
    stalled: Mapping[str, float]
    incidents: float = 0.0
    shift_s: float = 0.0  # the candidate's calls ring so much longer, every one

    @property
    def label(self) -> str:
        """The scenario in words."""
        return f"{self.name}, {self.calls_per_arm} calls an arm"


def _stalls(reference: float, candidate: float) -> dict[str, float]:
    return {REFERENCE: reference, CANDIDATE: candidate}


ALONE = Scenario("2 % stalls", 400, _stalls(0.02, 0.02))
STRUCK = Scenario("2 % stalls, incidents", 400, _stalls(0.02, 0.02), 0.01)
DESIGN = Scenario("2 % stalls in one arm", 400, _stalls(0.02, 0.0))
SHARED = Scenario("2 % stalls in one arm, shared incidents", 400, _stalls(0.02, 0.0), 0.01)
EQUAL = Scenario("2 % stalls in both arms, shared incidents", 400, _stalls(0.02, 0.02), 0.01)
DEMONSTRATION = Scenario("30 % stalls in one arm", 30, _stalls(0.3, 0.0))
MANY = Scenario("10 % and 5 % stalls, shared incidents", 100, _stalls(0.1, 0.05), 0.01)
RARE = Scenario("2 % stalls in both arms", 100, _stalls(0.02, 0.02))
FEW = Scenario("2 % stalls in both arms, shared incidents", 30, _stalls(0.02, 0.02), 0.01)


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument(
        "--simulations",
        type=int,
        default=2000,
        metavar="N",
        help="of each figure, a quarter of one arm's (default: %(default)d)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(default: %(default)d)")
    parser.add_argument(
        "--run", type=Path, metavar="RUN", help="deal this run's own calls to equal arms, and nothing else"
    )


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A line a figure: the share, its interval over simulations, and the aim."""
    n, seed = options.simulations, options.seed
    if options.run is not None:
        yield recorded(options.run, n, seed)
        return
    yield from one_arm(max(n // 4, 1), seed)  # bounds of a mean take longer than all else
    yield from differences(n, seed)
    yield from false_positives(n, seed)
    yield from power(n, seed)


def one_arm(n: int, seed: int) -> Iterator[dict[str, Any]]:
    """How often the intervals of one arm's figures hold the truth.

    They take calls as independent. Incidents that strike many in a row make them too narrow; there is no aim
    for that, but a figure.
    """
    for scenario, aim in ((ALONE, EXACT), (replace(ALONE, calls_per_arm=100), EXACT), (STRUCK, None)):
        truth = np.sort(_reference(scenario, _TRUTH_CALLS, np.random.default_rng(seed)))
        quantities: dict[str, tuple[Callable[[Values], Estimate], float]] = {
            "share not answered": (
                lambda rings: share(int(np.isinf(rings).sum()), rings.size),
                scenario.stalled[REFERENCE],
            ),
            "p50": (lambda rings: percentile(rings, 0.5, limit=TAU_S), _quantile(truth, 0.5)),
            "p95": (lambda rings: percentile(rings, 0.95, limit=TAU_S), _quantile(truth, 0.95)),
            "RMST": (
                lambda rings: mean(np.minimum(rings, TAU_S), TAU_S), float(np.minimum(truth, TAU_S).mean()),
            ),
            "Kaplan-Meier at 0.6 s": (
                lambda rings: _waiting_at(rings, 0.6), 1 - float(np.searchsorted(truth, 0.6)) / truth.size,
            ),
        }  # fmt: skip
        generator = np.random.default_rng(seed + 1)
        drawn = [_reference(scenario, scenario.calls_per_arm, generator) for _ in range(n)]
        for name, (estimate, true) in quantities.items():
            found = [estimate(rings) for rings in drawn]
            held = sum(within(one.low, true, one.high) for one in found)
            yield _line(f"coverage of {name}", scenario, held, n, aim)


def differences(n: int, seed: int) -> Iterator[dict[str, Any]]:
    """How often the bootstrap intervals of the two differences hold the truth.

    Where a run has few calls, or sees but a stall or two, nothing that it resamples can be right 95 times of
    100: the interval errs on the wide side there.
    """
    for scenario, aim in (
        (DESIGN, BOOTSTRAP), (SHARED, BOOTSTRAP), (EQUAL, BOOTSTRAP), (MANY, BOOTSTRAP),
        (DEMONSTRATION, EXACT), (RARE, EXACT), (FEW, EXACT),
    ):  # fmt: skip
        ring_s, missed = true_differences(scenario, seed)
        compared = simulated(scenario, n, seed + 1)
        for name, true, effects in (
            ("ΔRMST", ring_s, [one.delta_rmst_s for one in compared]),
            ("Δ not answered", missed, [one.delta_not_answered for one in compared]),
        ):
            held = sum(within(one.low, true, one.high) for one in effects)
            yield _line(f"coverage of {name}", scenario, held, n, aim)


def false_positives(n: int, seed: int) -> Iterator[dict[str, Any]]:
    """How often equal arms are told apart under shared incidents."""
    for scenario in (EQUAL, FEW):
        compared = simulated(scenario, n, seed + 2)
        yield _line("ΔRMST of equal arms shown", scenario, sum(one.shown for one in compared), n, (0.0, 0.06))
        missed = sum(_below(one.delta_not_answered.p) for one in compared)
        yield _line("Δ not answered of equal arms below 0.05", scenario, missed, n, (0.0, 0.06))


def recorded(folder: Path, n: int, seed: int) -> dict[str, Any]:
    """How often equal arms dealt from a recorded run's calls are told apart.

    Raises:
        BenchmarkError: there is no such run, or it cannot be read.
    """
    try:
        run = load(folder)
    except AnalysisError as error:
        raise BenchmarkError(str(error)) from error
    found = told_apart(run.counted(), tau_s=run.tau_s, seed=seed, deals=n)
    return _figure("ΔRMST of equal arms below 0.05", run.run_ids[0], found, (0.0, 0.06))


def power(n: int, seed: int) -> Iterator[dict[str, Any]]:
    """How often a defect is shown: 2 % of stalls, and what a run says that it would just have found."""
    for scenario, aim in ((DESIGN, (0.8, 1.0)), (SHARED, None)):
        compared = simulated(scenario, n, seed + 3)
        yield _line("ΔRMST shown", scenario, sum(one.shown for one in compared), n, aim)
    clean = Scenario("no stalls, shared incidents", 400, _stalls(0.0, 0.0), 0.01)
    least = [one.smallest_detectable for one in simulated(clean, 50, seed)]
    shift_s = float(np.mean([one.rmst_s or 0.0 for one in least]))
    shifted = replace(
        clean, name=f"every call {shift_s:.2f} s longer, as found to be detectable", shift_s=shift_s
    )
    compared = simulated(shifted, n, seed + 4)
    yield _line("ΔRMST shown", shifted, sum(one.shown for one in compared), n, (0.75, 0.9))
    calm = simulated(replace(clean, incidents=0.0), 1, seed)[0].smallest_detectable.not_answered or 0.0
    stalled = Scenario(f"{calm:.2%} stalls, as found to be detectable", 400, _stalls(calm, 0.0))
    compared = simulated(stalled, n, seed + 5)
    missed = sum(_below(one.delta_not_answered.p) for one in compared)
    yield _line("Δ not answered below 0.05", stalled, missed, n, (0.75, 0.9))


def simulated(scenario: Scenario, n: int, seed: int) -> list[Comparison]:
    """So many runs of a scenario, each compared."""
    generator = np.random.default_rng(seed)
    return [
        compare(calls(scenario, generator), REFERENCE, [CANDIDATE], tau_s=TAU_S, seed=seed)[0]
        for _ in range(n)
    ]


def calls(scenario: Scenario, generator: np.random.Generator) -> pd.DataFrame:
    """The counted calls of one run, in permuted blocks of four."""
    blocks = scenario.calls_per_arm // 2
    candidate = generator.permuted(np.tile([False, False, True, True], (blocks, 1)), axis=1).ravel()
    rings = _rings(scenario, candidate, generator)
    return pd.DataFrame(
        {
            "arm": np.where(candidate, CANDIDATE, REFERENCE),
            "block": np.repeat(np.arange(blocks), 4),
            "ring_to_answer_s": rings,
            "answered": np.isfinite(rings),
        }
    )


def _rings(scenario: Scenario, candidate: npt.NDArray[np.bool_], generator: np.random.Generator) -> Values:
    """Seconds that calls one after another rang, infinite where nobody answered by τ."""
    n = candidate.size
    ring_s = 0.4 + generator.lognormal(-2.0, 0.8, n) + np.where(candidate, scenario.shift_s, 0.0)
    begun = np.flatnonzero(generator.random(n) < scenario.incidents)
    struck = np.zeros(n, dtype="bool")
    for later in range(_INCIDENT_CALLS):
        struck[np.minimum(begun + later, n - 1)] = True
    struck &= generator.random(n) < 0.5
    ring_s += np.where(struck, generator.uniform(3.0, 20.0, n), 0.0)
    stalled = np.where(candidate, scenario.stalled[CANDIDATE], scenario.stalled[REFERENCE])
    lost = (generator.random(n) < stalled) | (struck & (generator.random(n) < 0.2))
    return np.where(lost | (ring_s > TAU_S), np.inf, ring_s)


def _reference(scenario: Scenario, n: int, generator: np.random.Generator) -> Values:
    return _rings(scenario, np.zeros(n, dtype="bool"), generator)


def true_differences(scenario: Scenario, seed: int) -> tuple[float, float]:
    """Candidate minus reference in mean ring (s) and share not answered, over two million calls an arm."""
    generator = np.random.default_rng(seed)
    candidate, reference = (
        _rings(scenario, np.full(_TRUTH_CALLS, side), generator) for side in (True, False)
    )
    return (
        float(np.minimum(candidate, TAU_S).mean() - np.minimum(reference, TAU_S).mean()),
        float(np.isinf(candidate).mean() - np.isinf(reference).mean()),
    )


def _quantile(ordered: Values, q: float) -> float:
    return float(ordered[int(q * ordered.size)])


def _waiting_at(rings: Values, time_s: float) -> Estimate:
    curve = still_waiting(rings, TAU_S)
    step = int(np.searchsorted(curve.time_s, time_s, side="right")) - 1
    return Estimate(float(curve.waiting[step]), float(curve.low[step]), float(curve.high[step]), curve.n)


def within(low: float | None, truth: float, high: float | None) -> bool:
    """Whether an interval, open where it has no bound, holds the truth."""
    return (low is None or low <= truth) and (high is None or truth <= high)


def _below(p: float | None) -> bool:
    return p is not None and p < ALPHA


def _line(figure: str, scenario: Scenario, hits: int, n: int, aim: Aim | None) -> dict[str, Any]:
    return _figure(figure, scenario.label, share(hits, n), aim)


def _figure(figure: str, scenario: str, found: Estimate, aim: Aim | None) -> dict[str, Any]:
    return {
        "figure": figure,
        "scenario": scenario,
        "simulations": found.n,
        "share": found.value,
        "low": found.low,
        "high": found.high,
        "aim": aim,
        "met": None if aim is None or found.value is None else aim[0] <= found.value <= aim[1],
    }
