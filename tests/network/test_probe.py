"""When a measurement's packets leave."""

import itertools
import math

import pytest

from network.probe import departures
from network.profile import Direction


@pytest.mark.parametrize(
    ("flows", "for_s", "count"), [(10, 2.0, 2000), (5, 3.0, 1500), (2, 0.5, 100), (1, 0.01, 2)]
)
def test_as_many_packets_leave_as_fit_whenever_the_measurement_begins(
    flows: int, for_s: float, count: int
) -> None:
    """Both ways, in order, none of them beyond the end."""
    found = list(departures(flows, every_s=0.02, for_s=for_s))
    assert len(found) == count
    assert found == sorted(found, key=lambda each: each.after_s)
    assert max(each.after_s for each in found) < for_s
    assert {(each.flow, each.direction) for each in found} == set(itertools.product(range(flows), Direction))


def test_an_endless_measurement_goes_on_evenly() -> None:
    """Each flow's packets are one interval apart, for as long as somebody asks."""
    first = list(itertools.islice(departures(4, every_s=0.02, for_s=math.inf), 8 * 1000))
    one = [each.after_s for each in first if (each.flow, each.direction) == (3, Direction.UP)]
    assert one == pytest.approx([0.015 + 0.02 * step for step in range(1000)])
