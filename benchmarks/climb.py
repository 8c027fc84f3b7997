"""The highest rate that something keeps, found by doubling and then halving the distance."""

import math
from collections.abc import Callable

_FIRST_STEP = 2.0


def highest_kept(
    keeps: Callable[[float], bool], *, start: float, precision: float, least: float, most: float
) -> float | None:
    """The highest rate of those tried that was kept; None where not even `least` was.

    `keeps` is asked of one rate after the other: twice as much while it is kept, half while it is not, then
    between the two until they are within `precision`, a ratio such as 1.1. Nothing beyond `most` is tried.
    """
    kept, failed = 0.0, math.inf
    rate = max(least, min(start, most))
    while failed > least and failed / max(kept, least) > precision:
        if keeps(rate):
            kept = rate
            if kept >= most:
                break
        else:
            failed = rate
        if kept == 0.0:
            rate = max(failed / _FIRST_STEP, least)
        elif failed == math.inf:
            rate = min(kept * _FIRST_STEP, most)
        else:
            rate = math.sqrt(kept * failed)
    return kept or None
