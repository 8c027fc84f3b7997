"""Lateness over many seconds, told from the quantiles of each."""

import pandas as pd
import pytest

from analysis.lateness import Lateness


def _seconds(*rows: tuple[float, float | None, float | None, float | None]) -> Lateness:
    columns = ["delivered", "late_ms_p50", "late_ms_p99", "late_ms_p999"]
    return Lateness.of(pd.DataFrame.from_records(rows, columns=columns).astype("float64"))


def test_packets_beyond_a_quantile_are_counted_exactly_at_it() -> None:
    """Of 10,000 packets 5,000 are later than the median, 100 than the 99th percentile, none than all."""
    second = _seconds((10_000, 0.2, 1.0, 4.0))
    assert [second.beyond(ms) for ms in (0.1, 0.2, 1.0, 4.0)] == pytest.approx([10_000, 5_000, 100, 0])


def test_between_two_quantiles_the_share_falls_as_a_power_of_the_time() -> None:
    """Half-way, by the logarithm of time, between 1 % and 0.1 % lies their geometric mean."""
    assert _seconds((100_000, 0.2, 1.0, 4.0)).beyond(2.0) == pytest.approx((1_000 * 100) ** 0.5)


def test_one_late_packet_of_ten_counts_as_a_few() -> None:
    """Its second knows the median and the last; the guess lies between one and the five that it may be."""
    assert 1 < _seconds((10, 0.3, 40.0, 40.0)).beyond(2.0) < 3


def test_the_percentile_of_all_packets_hangs_on_how_many_each_second_had() -> None:
    """A late second with one packet in a thousand does not move it, one with half of the packets does."""
    good, bad = (1_000, 0.2, 0.5, 0.8), (20.0, 30.0, 30.0)
    assert _seconds(good, (1, *bad)).quantile_ms(0.99) == pytest.approx(0.5, rel=0.05)
    assert _seconds(good, (1_000, *bad)).quantile_ms(0.98) == pytest.approx(27, rel=0.05)


def test_what_was_not_measured_has_no_lateness() -> None:
    """An executor that does not tell, and seconds without packets."""
    nothing = _seconds((50, None, None, None), (0, None, None, None))
    assert nothing.quantile_ms(0.99) is None
    assert nothing.beyond(2.0) == 0
