"""Two arms of a run against each other, by blocks: effect, interval, p, and what could be found."""

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.intervals import CONFIDENCE, Values

ALPHA = 1 - CONFIDENCE
POWER = 0.8
_EXACT_BLOCKS = 20
_FLIPS = 10_000
_RESAMPLES = 10_000
_GROUPS = 400
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
class Blocks:
    """Difference (candidate minus reference) of each block's means, and the block's weight.

    A block of m and n calls weighs mn/(m + n), the inverse of its difference's variance up to a factor.
    """

    difference: Values
    weight: Values

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return self.difference.size

    def effect(self) -> float:
        """The weighted mean of the differences."""
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
    waits = np.minimum(pair["ring_to_answer_s"].to_numpy(dtype="float64"), tau_s)
    place, is_candidate = pd.factorize(pair["block"])[0], (pair["arm"] == candidate).to_numpy(dtype="bool")
    rings = blocks(place, is_candidate, waits)
    losses = blocks(place, is_candidate, 1.0 - pair["answered"].to_numpy(dtype="float64"))
    smaller = min(int(is_candidate.sum()), int((~is_candidate).sum()))
    return Comparison(
        reference=reference,
        candidate=candidate,
        delta_rmst_s=_effect(rings, tau_s - waits.min(initial=tau_s), seed),
        delta_not_answered=_effect(losses, 1.0, seed),
        smallest_detectable=Detectable(
            rmst_s=detectable(rings),
            not_answered=detectable(losses, _EVENTS_FOR_POWER / smaller if smaller else 0.0),
        ),
        randomised=True,
        blocks=rings.count,
    )


def blocks(place: npt.NDArray[np.int64], is_candidate: npt.NDArray[np.bool_], values: Values) -> Blocks:
    """The differences of blocks that hold calls of both arms; `place` numbers the blocks from 0."""
    total = int(place.max(initial=-1)) + 1
    ours, theirs = (np.bincount(place[side], minlength=total) for side in (is_candidate, ~is_candidate))
    both = (ours > 0) & (theirs > 0)
    ours_sum, theirs_sum = (
        np.bincount(place[side], values[side], minlength=total) for side in (is_candidate, ~is_candidate)
    )
    ours, theirs = ours[both], theirs[both]
    return Blocks(ours_sum[both] / ours - theirs_sum[both] / theirs, ours * theirs / (ours + theirs))


def _effect(found: Blocks, worst: float, seed: int) -> Effect:
    if found.count == 0:
        return Effect(None, None, None, None, None)
    low, high = bootstrap(found, worst, seed)
    p = sign_flip(found.difference * found.weight, seed)
    return Effect(found.effect(), low, high, p, None)


def sign_flip(terms: Values, seed: int) -> float:
    """Two-sided p of the sum of `terms` if each could as well have had the other sign.

    Exact up to 20 terms that are not zero (a zero has no sign to flip), else 10,000 seeded flips, the
    observed one counted among them.
    """
    terms = terms[terms != 0]
    if terms.size == 0:
        return 1.0
    observed = abs(terms.sum()) * (1 - 1e-9)
    if terms.size <= _EXACT_BLOCKS:
        sums = np.zeros(1)
        for term in terms:
            sums = np.concatenate([sums + term, sums - term])
        return float(np.mean(np.abs(sums) >= observed))
    extreme = int(np.count_nonzero(np.abs(_flipped(terms, seed)) >= observed))
    return (extreme + 1) / (_FLIPS + 1)


def _flipped(terms: Values, seed: int) -> Values:
    """The sums of as many drawn flips; eight signs are one byte, whose 256 sums are looked up."""
    generator = np.random.default_rng(seed)
    eights = np.pad(terms, (0, -terms.size % 8)).reshape(-1, 8)
    signs = 1.0 - 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    sums = np.zeros(_FLIPS)
    for eight in eights:
        sums += (signs @ eight)[generator.integers(0, 256, _FLIPS, dtype=np.uint8)]
    return sums


def bootstrap(found: Blocks, worst: float, seed: int) -> tuple[float, float]:
    """Expanded percentile interval of the weighted mean over resampled blocks.

    Of many blocks runs of neighbours are resampled. With them are two half blocks not seen, in which a call
    of one arm was lost and one of the other was not, `worst` apart: Agresti and Caffo's (2000) added calls,
    without which a run with few stalls, or none, knows too little of them. The percentiles are those that
    make it as wide as Student's interval where that is exact (Hesterberg 2015).
    """
    groups = min(found.count, _GROUPS)
    total = [part.sum() for part in np.array_split(found.difference * found.weight, groups)]
    weight = [part.sum() for part in np.array_split(found.weight, groups)]
    sums = np.array([[*total, worst / 2, -worst / 2], [*weight, 0.5, 0.5]])
    units = groups + 2
    resampled = sums @ _resamples(units, seed)
    means = resampled[0] / resampled[1]
    reach = float(stats.t.ppf(1 - ALPHA / 2, units - 1)) * math.sqrt(units / (units - 1))
    tail = float(stats.norm.sf(reach))
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


@functools.lru_cache(maxsize=1)
def _resamples(units: int, seed: int) -> Values:
    """How often each unit is in each resample: the same for every quantity of one comparison."""
    drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), _RESAMPLES)
    return np.ascontiguousarray(drawn.T, dtype="float64")


def detectable(found: Blocks, floor: float = 0.0) -> float | None:
    """What a two-sided test at 0.05 finds with a power of 0.8, from the spread of the blocks of this run."""
    if found.count < FEWEST_BLOCKS:
        return None
    weight = found.weight / found.weight.sum()
    spread = found.difference - found.effect()
    error = math.sqrt(float(np.sum((weight * spread) ** 2)) * found.count / (found.count - 1))
    reach = float(stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(POWER))
    return max(reach * error, floor)
