"""What changed since runs that were kept: gates on differences in time, for which no lot was drawn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean
from typing import Self

import numpy as np
from scipy import stats

from analysis.across import Sided, average, difference
from analysis.gate_name import GateName, read
from analysis.gates import Gate, Verdict, decide, finite
from analysis.intervals import CONFIDENCE, Estimate
from analysis.kept import Kept
from analysis.metric import Bounds, Kind
from analysis.wording import listed

# So much worse than before a release may be where nothing else is asked for.
MARGINS: Mapping[str, float] = {
    "regression_rmst_s": 0.5,
    "regression_not_answered": 0.02,
    "regression_capacity": -0.3,  # two searches to a factor of 1.5 tell no less apart
}
SPREAD_OF = 3  # baselines, from which on their spread is the margin


@dataclass(frozen=True, slots=True)
class Before:
    """One of the runs that another was held against; its figures by the gate that compares them."""

    run_id: str
    started_unix: float
    versions: Mapping[str, str | None]
    figures: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Regression:
    """The figures of a run beside those that it was held against, oldest first, and by which rule."""

    rule: str
    figures: Mapping[str, Estimate]
    baselines: tuple[Before, ...]

    @classmethod
    def of(cls, now: Mapping[str, Estimate], kept: Sequence[Kept], limits: Mapping[str, float]) -> Self:
        """What is to be told of these."""
        fixed = [name for name in map(str, map(read, limits)) if name in MARGINS]
        rule = "fixed margins on the difference"
        if len(kept) >= SPREAD_OF:
            rule = f"the spread of the {len(kept)} baselines" + (
                f", and fixed margins, as asked for, on {listed(fixed)}" if fixed else ""
            )
        ordered = sorted(kept, key=lambda each: each.started_unix)
        before = (Before(each.run_id, each.started_unix, each.versions, each.figures) for each in ordered)
        return cls(rule, now, tuple(before))


def regressions(
    arm: str, now: Mapping[str, Estimate], kept: Sequence[Kept], limits: Mapping[str, float]
) -> list[Gate]:
    """The gates on what changed since the baselines.

    One or two baselines: the difference's bounds, recovered from both sides' two-sided ones and so a little
    wide, against a fixed margin. Three or more, and no margin asked for: what another run like those would
    exceed once in twenty times (a prediction limit for one more observation of normal ones: Hahn and Meeker
    1991, chapter 4). Within it a run passes; beyond it it fails where the difference is more than chance.

    Args:
        arm: that is judged.
        now: figures of this run.
        kept: the baselines.
        limits: those asked for, of any gates.
    """
    asked = {read(name): limit for name, limit in limits.items() if read(name).metric.kind is Kind.CHANGE}
    found = list(map(read, now))
    missing = [name for name in asked if name.metric not in [each.metric for each in found]]
    judged = []
    for name in [*found, *missing]:
        limit = asked.get(name, asked.get(GateName(name.metric)))
        figure = now.get(str(name))
        before = [each.figures[str(name)] for each in kept if str(name) in each.figures]
        margin = MARGINS[str(GateName(name.metric))] if limit is None else limit
        if figure is None or len(before) < len(kept):
            judged.append(decide(name, arm, margin, None))
            continue
        change = _change(name, figure, before)
        spread = _spread(name, before) if limit is None and len(before) >= SPREAD_OF else None
        judged.append(
            decide(name, arm, margin, change) if spread is None else _by_spread(name, arm, spread, change)
        )
    return judged


def _change(name: GateName, now: Estimate, before: Sequence[Estimate]) -> Bounds:
    """This run less the mean of the others; of capacities the ratio less 1, by the same on logarithms."""
    sides, own = [_sided(each) for each in before], _sided(now)
    if not name.metric.at_least:
        return Bounds(*difference(average(sides), own), now.n)
    if all(math.isfinite(value) for value, _, _ in [*sides, own]):
        logs = [(math.log(value), math.log(low), math.log(high)) for value, low, high in [*sides, own]]
        value, low, high = difference(average(logs[:-1]), logs[-1])
        return Bounds(math.expm1(value), math.expm1(low), math.expm1(high), now.n)
    # Without both ends there is no middle: from the one extreme to the other.
    lows, highs = [low for _, low, _ in sides], [high for _, _, high in sides]
    low = own[1] / geometric_mean(highs) - 1
    return Bounds(math.nan, low, own[2] / geometric_mean(lows) - 1 if all(lows) else math.inf, now.n)


def _sided(figure: Estimate) -> Sided:
    """The figure between its bounds, as wide as can be where there are none."""
    value, low, high = figure.value, figure.low, figure.high
    return (
        math.nan if value is None else value,
        0.0 if low is None else low,
        math.inf if high is None else high,
    )


def _spread(name: GateName, before: Sequence[Estimate]) -> float | None:
    """How much worse than their mean one more of them would be once in twenty times; None if not known."""
    values = np.array([_sided(each)[0] for each in before])
    if not np.isfinite(values).all():
        return None
    relative = name.metric.at_least
    spread = float(np.std(np.log(values) if relative else values, ddof=1))
    reach = float(stats.t.ppf(CONFIDENCE, values.size - 1)) * spread * math.sqrt(1 + 1 / values.size)
    return math.exp(-reach) - 1 if relative else reach


def _by_spread(name: GateName, arm: str, limit: float, change: Bounds) -> Gate:
    kept = change.value >= limit if name.at_least else change.value <= limit
    beyond_chance = change.high < 0 if name.at_least else change.low > 0
    verdict = Verdict.PASSED if kept else Verdict.FAILED if beyond_chance else Verdict.UNDECIDED
    bound = change.high if name.at_least else change.low
    return Gate(
        str(name), arm, limit, finite(change.value), None if kept else finite(bound), change.n, None, verdict,
        finite(change.low), finite(change.high),
    )  # fmt: skip
