"""The highest rate that is kept is found between those that were tried."""

import pytest

from benchmarks.climb import highest_kept


def climbed(knee: float, *, start: float = 100.0, most: float = 10_000.0) -> tuple[float | None, list[float]]:
    """What is found where every rate up to the knee is kept, and what was tried."""
    tried: list[float] = []

    def keeps(rate: float) -> bool:
        tried.append(rate)
        return rate <= knee

    return highest_kept(keeps, start=start, precision=1.1, least=5.0, most=most), tried


@pytest.mark.parametrize("knee", [6.0, 40.0, 100.0, 530.0, 3180.0])
def test_the_knee_is_found_to_the_precision_from_wherever_it_is_begun(knee: float) -> None:
    """Few rates are tried for it."""
    found, tried = climbed(knee)

    assert found is not None
    assert found <= knee < found * 1.1
    assert len(tried) <= 10


def test_nothing_is_found_where_the_least_is_not_kept() -> None:
    """No rate below it is tried."""
    found, tried = climbed(1.0)

    assert found is None
    assert min(tried) >= 5.0


def test_the_most_is_tried_once() -> None:
    """What would keep more is not asked to."""
    found, tried = climbed(1e9, most=350.0)

    assert found == 350.0
    assert tried == [100.0, 200.0, 350.0]
