"""How often the search for a capacity is right, and what it costs: simulated deployments of known knee."""

import argparse
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from benchmarks.deployments import KINDS, Deployment
from capacity.criterion import DEFAULT, read
from capacity.itinerary import itinerary
from capacity.options import DEEPEST
from capacity.route import CONFIRM_CALLS, REST_S, Route
from capacity.search import PRECISION, Search
from capacity.sequential import ALPHA, Trial, look
from capacity.step import Decision, Phase, Tally
from capacity.stretch import Axis, Cell, Ended, Stretch

_CRITERIA = read(DEFAULT)
_JUDGED = (Phase.BRACKET, Phase.BISECT, Phase.CONFIRM)
HOLD_S = 5.0


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search of one deployment found: the knee in truth, the interval, calls and seconds spent."""

    knee: float
    low: float | None
    high: float | None
    steps: int
    calls: int
    seconds: float

    @property
    def held(self) -> bool:
        """Whether the interval, open where it has no bound, holds the knee."""
        return (self.low is None or self.low <= self.knee) and (self.high is None or self.knee <= self.high)


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument(
        "--simulations", type=int, default=5000, metavar="N", help="deployments in all (default: %(default)d)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(default: %(default)d)")
    parser.add_argument(
        "--budget", type=float, default=None, metavar="MINUTES", help="of each search (default: no end)"
    )


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A line a kind of deployment, and one of them all."""
    each = max(options.simulations // len(KINDS), 1)
    found: list[Searched] = []
    for kind in KINDS:
        of_kind = simulated(kind, each, options.seed, budget_min=options.budget)
        found += of_kind
        yield _line(kind, of_kind, options.budget)
    yield _line("all", found, options.budget)


def simulated(kind: str, n: int, seed: int, *, budget_min: float | None = None) -> list[Searched]:
    """So many searches, each of another deployment of one kind."""
    random = Random(f"{seed}/{kind}")
    return [searched(KINDS[kind](random), random, budget_min=budget_min) for _ in range(n)]


def searched(deployment: Deployment, random: Random, *, budget_min: float | None = None) -> Searched:
    """One deployment, taken along the itinerary of a run; every call is known of at once."""
    route = Route(
        cells=(Cell("bounded", "clean"),),
        axis=Axis.RATE,
        start=1.0,
        floor=1 / DEEPEST,
        ceiling=10.0,
        precision=PRECISION,
        criteria=_CRITERIA,
        alpha=ALPHA,
        hold_s=HOLD_S,
        warm_up=0,
        confirm_calls=CONFIRM_CALLS,
        budget_s=float("inf") if budget_min is None else budget_min * 60,
    )
    search = Search(route.start, route.ceiling, route.floor, route.precision)
    course = itinerary(route)
    steps, calls, seconds = 0, 0, 0.0
    stretch = next(course, None)
    while stretch is not None:
        ended = _ended(stretch, deployment, random)
        if stretch.phase in _JUDGED:
            steps += 1
            if stretch.phase is not Phase.CONFIRM or ended.doubts(route.share):
                search.tell(stretch.load, ended.decision)
        calls, seconds = calls + ended.calls, seconds + ended.seconds
        try:
            stretch = course.send(ended)
        except StopIteration:
            break
    return Searched(deployment.knee, search.knee.low, search.knee.high, steps, calls, seconds)


def _ended(stretch: Stretch, deployment: Deployment, random: Random) -> Ended:
    """What became of a stretch; bursts, overload and recovery are no part of the search: not simulated."""
    if stretch.phase not in _JUDGED:
        return Ended(Decision.DONE, stretch.calls, stretch.seconds, bad=1, judged=stretch.calls)
    coming = islice(deployment.calls(stretch.calls_per_second, random), stretch.calls)
    decided, tallies = (_taken if stretch.sequential else _looked)(stretch, coming)
    n = tallies[0].n
    seconds = n / stretch.calls_per_second + HOLD_S + REST_S
    return Ended(decided, n, seconds, bad=max(one.bad for one in tallies), judged=n)


def _taken(stretch: Stretch, coming: Iterable[tuple[bool, bool]]) -> tuple[Decision, Sequence[Tally]]:
    trial = Trial(_CRITERIA, least=stretch.least, alpha=ALPHA)
    for bads in coming:
        trial.add(bads)
        if trial.decision is not None:
            break
    return trial.decision or Decision.UNDECIDED, trial.tallies


def _looked(stretch: Stretch, coming: Iterable[tuple[bool, bool]]) -> tuple[Decision, Sequence[Tally]]:
    seen = list(zip(*coming, strict=True))
    tallies = [Tally(one.name, len(bads), sum(bads)) for one, bads in zip(_CRITERIA, seen, strict=True)]
    return look(_CRITERIA, tallies, ALPHA), tallies


def _line(kind: str, found: Sequence[Searched], budget_min: float | None) -> dict[str, Any]:
    closed = [one.high / one.low for one in found if one.low is not None and one.high is not None]
    return {
        "deployments": kind,
        "simulations": len(found),
        "budget_min": budget_min,
        "held": _share(one.held for one in found),
        "low_above_knee": _share(one.low is not None and one.low > one.knee for one in found),
        "high_below_knee": _share(one.high is not None and one.high < one.knee for one in found),
        "low_over_knee": _spread([(one.low or 0.0) / one.knee for one in found]),
        "open": _share(one.low is None or one.high is None for one in found),
        "high_over_low": _spread(closed),
        "steps": _spread([one.steps for one in found]),
        "calls": _spread([one.calls for one in found]),
        "minutes": _spread([one.seconds / 60 for one in found]),
    }


def _share(hits: Iterable[bool]) -> float:
    return _rounded(statistics.fmean(hits))


def _spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "mean": _rounded(statistics.fmean(ordered)),
        "p50": _rounded(ordered[len(ordered) // 2]),
        "p90": _rounded(ordered[int(0.9 * len(ordered))]),
        "p95": _rounded(ordered[int(0.95 * len(ordered))]),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
