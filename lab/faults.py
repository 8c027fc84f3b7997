"""Which set-up requests are mistreated, and how: an exact share of them, in an order drawn from a seed."""

import enum
import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from lab.errors import LabError

# A share is exact within every block of this many set-ups at the most.
_LARGEST_BLOCK = 100


class FaultKind(enum.StrEnum):
    """What happens to a mistreated set-up request."""

    SILENT = "silent"  # accepted and never answered


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of mistreatment and the share (0-1) of set-ups that meet it."""

    kind: FaultKind
    share: Fraction


def parse(spec: str) -> Fault:
    """Read `KIND[:SHARE]`, for instance `silent:0.3`; without a share it is every set-up.

    Raises:
        LabError: The kind is unknown or the share is not within 0-1.
    """
    kind, _, share = spec.partition(":")
    if kind not in list(FaultKind):
        raise LabError(
            f"--filter-fault cannot be {spec!r}: no fault is named {kind!r}; {', '.join(FaultKind)} would do"
        )
    try:
        exact = Fraction(share or "1").limit_denominator(_LARGEST_BLOCK)
    except (ValueError, ZeroDivisionError):
        exact = Fraction(-1)
    if not 0 <= exact <= 1:
        raise LabError(f"--filter-fault cannot be {spec!r}: the share must be a number from 0 to 1")
    return Fault(FaultKind(kind), exact)


def choices(fault: Fault | None, draw: random.Random) -> Iterator[FaultKind | None]:
    """What befalls each set-up in turn, without end: exactly the share in every block of its denominator."""
    if fault is None:
        fault = Fault(FaultKind.SILENT, Fraction(0))
    struck, block = fault.share.as_integer_ratio()
    while True:
        yield from draw.sample([fault.kind] * struck + [None] * (block - struck), block)
