"""Two arms of a run against each other, by blocks: effect, interval, p, and what could be found."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis.intervals import CONFIDENCE, Values

ALPHA = 1 - CONFIDENCE
POWER = 0.8
_EXACT_BLOCKS = 20
_FLIPS = 10_000
_RESAMPLES = 10_000
_GROUPS = 1_000
# Fewer one-sided blocks than six cannot reach 0.05 (2 · 2⁻⁶ = 0.031); a Poisson count reaches six in
# 80 % of runs when its mean is 7.9.
FEWEST_BLOCKS = 6
_EVENTS_FOR_POWER = 7.9


@dataclass(frozen=True, slots=True)
class Effect:
    """Candidate minus reference (negative is better) with its two-sided 95 % interval.

    `p_adjusted` is p after adjustment for the order of testing and the number of candidates.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest true differences that such a run finds four times out of five; None if it finds none."""

    rmst_s: float | None
    not_answered: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate against the reference."""

    reference: str
    candidate: str
    delta_rmst_s: Effect
    delta_not_answered: Effect
    smallest_detectable: Detectable
    randomised: bool
    blocks: int

    @property
    def shown(self) -> bool:
        """Whether the primary difference is shown at 0.05."""
        return self.delta_rmst_s.p_adjusted is not None and self.delta_rmst_s.p_adjusted < ALPHA


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Difference (candidate minus reference) of each block's means, and the block's weight."""

    difference: Values
    weight: Values

    @property
    def count(self) -> int:
        return self.difference.size

    def effect(self) -> float:
        return float(np.average(self.difference, weights=self.weight))


def compare(
    calls: pd.DataFrame, reference: str, candidates: list[str], *, tau_s: float, seed: int
) -> list[Comparison]:
    """Each candidate against the reference, by calls that shared a permuted block.

    Args:
        calls: counted calls (`Run.counted`).
        reference: name of the first arm.
        candidates: names of the others.
        tau_s: the ring timeout.
        seed: of the flips and resamples where they are not exact.
    """
    found = [_compare(calls, reference, candidate, tau_s, seed) for candidate in candidates]
    first = holm([comparison.delta_rmst_s.p for comparison in found])
    second = holm([comparison.delta_not_answered.p for comparison in found])
    return [
        replace(
            comparison,
            delta_rmst_s=replace(comparison.delta_rmst_s, p_adjusted=p_first),
            # Fixed sequence: the second is tested only where the first was shown.
            delta_not_answered=replace(
                comparison.delta_not_answered,
                p_adjusted=None if p_first is None or p_second is None else max(p_first, p_second),
            ),
        )
        for comparison, p_first, p_second in zip(found, first, second, strict=True)
    ]


def holm(p_values: list[float | None]) -> list[float | None]:
    """Holm's (1979) step-down adjustment; None stays None and is not counted."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - rank)))
        adjusted[index] = largest
    return adjusted


def _compare(calls: pd.DataFrame, reference: str, candidate: str, tau_s: float, seed: int) -> Comparison:
    pair = calls[calls["arm"].isin([reference, candidate])]
    waits = pair["ring_to_answer_s"].clip(upper=tau_s)
    rmst = _blocks(pair, waits, reference, candidate)
    missed = _blocks(pair, (~pair["answered"]).astype("float64"), reference, candidate)
    sizes = pair["arm"].value_counts()
    smaller = int(min(sizes.get(reference, 0), sizes.get(candidate, 0)))
    not_answered = _effect(missed, seed)
    if not_answered.low is not None and not_answered.high is not None:
        low, high = newcombe(pair, reference, candidate)
        # A bootstrap of blocks without an event says ±0; Newcombe's interval knows better.
        not_answered = replace(
            not_answered, low=min(not_answered.low, low), high=max(not_answered.high, high)
        )
    return Comparison(
        reference=reference,
        candidate=candidate,
        delta_rmst_s=_effect(rmst, seed),
        delta_not_answered=not_answered,
        smallest_detectable=Detectable(
            rmst_s=_detectable(rmst, 0.0),
            not_answered=_detectable(missed, _EVENTS_FOR_POWER / smaller if smaller else 0.0),
        ),
        randomised=True,
        blocks=rmst.count,
    )


def _blocks(pair: pd.DataFrame, values: pd.Series, reference: str, candidate: str) -> _Blocks:
    grouped = values.groupby([pair["block"], pair["arm"]])
    means, counts = grouped.mean().unstack(), grouped.count().unstack()
    if reference not in means or candidate not in means:
        return _Blocks(np.empty(0), np.empty(0))
    both = means[reference].notna() & means[candidate].notna()
    difference = (means[candidate] - means[reference])[both].to_numpy()
    ours, theirs = counts[candidate][both].to_numpy(), counts[reference][both].to_numpy()
    return _Blocks(difference, ours * theirs / (ours + theirs))


def _effect(blocks: _Blocks, seed: int) -> Effect:
    if blocks.count == 0:
        return Effect(None, None, None, None, None)
    low, high = bootstrap(blocks.difference, blocks.weight, seed)
    p = sign_flip(blocks.difference * blocks.weight, seed)
    return Effect(blocks.effect(), low, high, p, None)


def sign_flip(terms: Values, seed: int) -> float:
    """Two-sided p of the sum of `terms` if each could as well have had the other sign.

    Exact up to 20 terms that are not zero (a zero has no sign to flip), else 10,000 seeded flips, the
    observed one counted among them.
    """
    terms = np.abs(terms[terms != 0]) * np.sign(terms[terms != 0])
    if terms.size == 0:
        return 1.0
    observed = abs(terms.sum()) * (1 - 1e-9)
    if terms.size <= _EXACT_BLOCKS:
        sums = np.zeros(1)
        for term in terms:
            sums = np.concatenate([sums + term, sums - term])
        return float(np.mean(np.abs(sums) >= observed))
    generator = np.random.default_rng(seed)
    extreme = 0
    for _ in range(10):
        signs = generator.integers(0, 2, (_FLIPS // 10, terms.size), dtype=np.int8) * 2 - 1
        extreme += int(np.count_nonzero(np.abs(signs @ terms) >= observed))
    return (extreme + 1) / (_FLIPS + 1)


def bootstrap(difference: Values, weight: Values, seed: int) -> tuple[float, float]:
    """Percentile interval of the weighted mean over resampled blocks, many of them in runs of neighbours."""
    groups = min(difference.size, _GROUPS)
    total = np.array([part.sum() for part in np.array_split(difference * weight, groups)])
    weights = np.array([part.sum() for part in np.array_split(weight, groups)])
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(groups, np.full(groups, 1 / groups), _RESAMPLES)
    means = (drawn @ total) / (drawn @ weights)
    low, high = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def newcombe(pair: pd.DataFrame, reference: str, candidate: str) -> tuple[float, float]:
    """Newcombe's (1998, method 10) interval of the difference of the two arms' shares of unanswered calls."""
    wilson = {}
    for arm in (reference, candidate):
        missed = ~pair.loc[pair["arm"] == arm, "answered"]
        hits, n = int(missed.sum()), missed.size
        interval = stats.binomtest(hits, n).proportion_ci(CONFIDENCE, method="wilson")
        wilson[arm] = (hits / n, float(interval.low), float(interval.high))
    (p_ref, low_ref, high_ref), (p_new, low_new, high_new) = wilson[reference], wilson[candidate]
    change = p_new - p_ref
    return (
        change - math.hypot(p_new - low_new, high_ref - p_ref),
        change + math.hypot(high_new - p_new, p_ref - low_ref),
    )


def _detectable(blocks: _Blocks, floor: float) -> float | None:
    """What a two-sided test at 0.05 finds with a power of 0.8, from the spread of the blocks of this run."""
    if blocks.count < FEWEST_BLOCKS:
        return None
    weight = blocks.weight / blocks.weight.sum()
    spread = blocks.difference - blocks.effect()
    error = math.sqrt(float(np.sum((weight * spread) ** 2)) * blocks.count / (blocks.count - 1))
    reach = float(stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(POWER))
    return max(reach * error, floor)
