"""What changed since runs that were kept: gates on differences in time, for which no lot was drawn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import stats

from analysis.across import average, difference
from analysis.gate_name import GateName, read
from analysis.gates import Gate, Verdict, decide, finite
from analysis.intervals import CONFIDENCE
from analysis.kept import Figure, Kept
from analysis.metric import Bounds, Kind
from analysis.wording import listed

# So much worse than before a release may be where nothing else is asked for.
MARGINS: Mapping[str, float] = {
    "regression_rmst_s": 0.5,
    "regression_not_answered": 0.02,
    "regression_capacity": -0.2,
}
SPREAD_OF = 3  # baselines, from which on their spread is the margin


@dataclass(frozen=True, slots=True)
class Before:
    """One of the runs that another was held against."""

    run_id: str
    started_unix: float
    versions: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Regression:
    """What a run was held against, oldest first, and by which rule."""

    baselines: tuple[Before, ...]
    rule: str

    @classmethod
    def of(cls, kept: Sequence[Kept], limits: Mapping[str, float]) -> Self:
        """What is to be told of these."""
        fixed = [name for name in map(str, map(read, limits)) if name in MARGINS]
        rule = "fixed margins on the difference"
        if len(kept) >= SPREAD_OF:
            rule = f"the spread of the {len(kept)} baselines" + (
                f", and fixed margins, as asked for, on {listed(fixed)}" if fixed else ""
            )
        ordered = sorted(kept, key=lambda each: each.started_unix)
        return cls(tuple(Before(each.run_id, each.started_unix, each.versions) for each in ordered), rule)


def regressions(
    arm: str, now: Mapping[str, Figure], kept: Sequence[Kept], limits: Mapping[str, float]
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
    names = dict.fromkeys([*map(read, now), *(name for name in asked if str(name) not in now)])
    judged = []
    for name in names:
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


def _change(name: GateName, now: Figure, before: Sequence[Figure]) -> Bounds:
    """This run less the mean of the others; of a capacity the ratio, less 1."""
    if name.metric.name != "regression_capacity":
        return Bounds(*difference(average([each.sided for each in before]), now.sided), now.n)
    value, low, high = (
        float(stats.gmean([getattr(each, side) for each in before])) for side in ("value", "low", "high")
    )
    return Bounds(
        now.value / value - 1, now.low / high - 1, now.high / low - 1 if low > 0 else math.inf, now.n
    )


def _spread(name: GateName, before: Sequence[Figure]) -> float | None:
    """How much worse than their mean one more of them would be once in twenty times; None if not known."""
    values = np.array([each.value for each in before])
    if not np.isfinite(values).all():
        return None
    relative = name.metric.name == "regression_capacity"
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
