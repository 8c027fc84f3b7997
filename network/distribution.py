"""Jitter's distributions: a draw, and the quantile that turns a bell curve into the same distribution."""

import functools
import math
from collections.abc import Callable
from random import Random
from statistics import NormalDist

from network.impairment import Distribution, Jitter

PARETO_SHAPE = 3.0  # as that of netem's table
_STEPS_PER_DEVIATION = 2048
_HALF_TABLE = 11 * _STEPS_PER_DEVIATION // 2  # beyond 5.5 deviations is 1 draw in 26 million
_VOICE_S = 0.02
_SHORTEST_S = 1e-6  # between two packets


def quantile_s(jitter: Jitter, share: float) -> float:
    """The jitter in seconds that a share of packets does not exceed."""
    spread_s = jitter.ms / 1000
    match jitter.distribution:
        case Distribution.UNIFORM:
            return spread_s * share
        case Distribution.NORMAL:
            return NormalDist(0, spread_s).inv_cdf(share)
        case Distribution.EXPONENTIAL:
            return -spread_s * math.log1p(-share)
        case Distribution.PARETO:
            return _pareto_scale_s(spread_s) * math.expm1(-math.log1p(-share) / PARETO_SHAPE)


def share_within(jitter: Jitter, delay_s: float) -> float:
    """The share of packets whose jitter is at most so many seconds: the inverse of the quantile."""
    spread_s = jitter.ms / 1000
    if jitter.distribution is Distribution.NORMAL:
        return NormalDist(0, spread_s).cdf(delay_s)
    if delay_s <= 0:
        return 0.0
    match jitter.distribution:
        case Distribution.UNIFORM:
            return min(delay_s / spread_s, 1.0)
        case Distribution.EXPONENTIAL:
            return -math.expm1(-delay_s / spread_s)
        case Distribution.PARETO:
            return -math.expm1(-PARETO_SHAPE * math.log1p(delay_s / _pareto_scale_s(spread_s)))


def mean_s(jitter: Jitter) -> float:
    """The mean jitter in seconds."""
    share = {Distribution.UNIFORM: 0.5, Distribution.NORMAL: 0.0}.get(jitter.distribution, 1.0)
    return share * jitter.ms / 1000


def deviation_s(jitter: Jitter) -> float:
    """The standard deviation of the jitter in seconds."""
    shares = {Distribution.UNIFORM: 1 / math.sqrt(12), Distribution.PARETO: math.sqrt(3)}
    return shares.get(jitter.distribution, 1.0) * jitter.ms / 1000


def draw(jitter: Jitter, random: Random) -> Callable[[], float]:
    """What draws one jitter after another, in seconds, each independent of those before."""
    spread_s, uniform = jitter.ms / 1000, random.random
    match jitter.distribution:
        case Distribution.UNIFORM:
            return lambda: spread_s * uniform()
        case Distribution.NORMAL:
            normal = random.gauss
            return lambda: normal(0.0, spread_s)
        case Distribution.EXPONENTIAL:
            log = math.log
            return lambda: -spread_s * log(1.0 - uniform())
        case Distribution.PARETO:
            scale_s, power = _pareto_scale_s(spread_s), -1 / PARETO_SHAPE
            return lambda: scale_s * ((1.0 - uniform()) ** power - 1.0)


def correlated_draw(jitter: Jitter, random: Random) -> Callable[[float], float]:
    """What draws the jitter of a flow's next packet, so many seconds after its last, correlated with that.

    A bell-shaped value follows exp(-t / time constant), which keeps its deviation at any spacing, and is then
    mapped onto the distribution by rank (a Gaussian copula). Spacings count to the nearest quarter of an
    octave around 20 ms, so that a packet a moment early or late does not change what comes after it.
    """
    table, normal, logarithm, last = _table(jitter), random.gauss, math.log2, 2 * _HALF_TABLE - 1
    constant_s = jitter.time_constant_ms / 1000
    known: dict[int, tuple[float, float]] = {}  # by spacing: what is kept of a value, what is new
    value = normal(0.0, 1.0)

    def next_s(since_s: float) -> float:
        nonlocal value
        spacing = round(4 * logarithm(max(since_s, _SHORTEST_S) / _VOICE_S))
        if spacing not in known:
            kept = math.exp(-_VOICE_S * 2 ** (spacing / 4) / constant_s)
            known[spacing] = kept, math.sqrt(1 - kept * kept)
        kept, fresh = known[spacing]
        value = kept * value + fresh * normal(0.0, 1.0)
        step = int(value * _STEPS_PER_DEVIATION + _HALF_TABLE)
        return table[0 if step < 0 else min(step, last)]

    return next_s


@functools.cache
def _table(jitter: Jitter) -> list[float]:
    """Quantiles at the middle of each step of a bell curve."""
    bell, steps = NormalDist(), range(-_HALF_TABLE, _HALF_TABLE)
    return [quantile_s(jitter, bell.cdf((step + 0.5) / _STEPS_PER_DEVIATION)) for step in steps]


def _pareto_scale_s(mean_s: float) -> float:
    return mean_s * (PARETO_SHAPE - 1)
