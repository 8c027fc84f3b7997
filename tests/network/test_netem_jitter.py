"""The tables that netem draws its jitter from, against the distributions that they stand for."""

import math
import statistics

import pytest

from network import netem_jitter
from network.distribution import deviation_s, mean_s, share_within
from network.impairment import Distribution, Jitter

DISTRIBUTIONS = list(netem_jitter.UNITS)


def drawn_ms(distribution: Distribution, ms: float) -> list[float]:
    """All that netem can draw, as its kernel module scales a table (`tabledist`)."""
    jitter = Jitter(distribution=distribution, ms=ms)
    unit_ms, mean_ms = netem_jitter.unit_ms(jitter), 1000 * mean_s(jitter)
    return [mean_ms + unit_ms * entry / 8192 for entry in netem_jitter.table(distribution)]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_table_has_the_mean_and_the_deviation_of_its_distribution(distribution: Distribution) -> None:
    """Within a thousandth and a hundredth: what is cut off is one packet in 8192."""
    jitter, drawn = Jitter(distribution=distribution, ms=12.8), drawn_ms(distribution, 12.8)
    assert math.isclose(statistics.fmean(drawn), 1000 * mean_s(jitter), rel_tol=1e-3, abs_tol=1e-3)
    assert math.isclose(statistics.pstdev(drawn), 1000 * deviation_s(jitter), rel_tol=1e-2)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_table_is_never_further_from_its_distribution_than_one_step(distribution: Distribution) -> None:
    """The distance of Kolmogorov and Smirnov, over all of its entries."""
    jitter, drawn = Jitter(distribution=distribution, ms=5), sorted(drawn_ms(distribution, 5))
    shares = [share_within(jitter, each / 1000) for each in drawn]
    assert max(abs(share - (at + 0.5) / len(drawn)) for at, share in enumerate(shares)) < 1 / len(drawn)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_table_is_of_numbers_that_netem_takes(distribution: Distribution) -> None:
    """Up to 16,384 of 16 bits each."""
    table = netem_jitter.table(distribution)
    assert len(table) <= 16_384
    assert max(map(abs, table)) < 1 << 15
