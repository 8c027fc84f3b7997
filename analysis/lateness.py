"""How late packets were sent on over many seconds, from each second's number of packets and its quantiles."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd

from analysis.intervals import Values

_KNOWN = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
_LEAST_MS = 1e-4
_HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Lateness:
    """Seconds in which lateness was measured: packets, and each known quantile with how many were later.

    Between two known quantiles the share that is later falls as a power of the time, beyond the last there
    is none: of ten packets whose last was 40 ms late, and whose median was 0.3 ms, two were later than 2 ms.
    """

    packets: Values
    known: tuple[tuple[Values, Values], ...]

    @classmethod
    def of(cls, legs: pd.DataFrame) -> Self:
        """That of the packets in these rows of `Dose.legs`."""
        measured = legs[legs["late_ms_p50"].notna() & (legs["delivered"] > 0)]
        n = measured["delivered"].to_numpy(dtype="float64")
        known = (
            # Of no packet that is later, half a one.
            (
                np.maximum(measured[f"late_ms_{name}"].to_numpy(dtype="float64"), _LEAST_MS),
                np.maximum(n - np.ceil(q * n), 0.5),
            )
            for name, q in _KNOWN.items()
        )
        return cls(n, tuple(known))

    def beyond(self, limit_ms: float) -> float:
        """About how many packets were later than that."""
        found = np.where(self.known[0][0] > limit_ms, self.packets, 0.0)
        for (before, more), (after, fewer) in pairwise(self.known):
            within = (before <= limit_ms) & (limit_ms < after)
            way = np.log(limit_ms / before[within]) / np.log(after[within] / before[within])
            found[within] = more[within] * (fewer[within] / more[within]) ** way
        return float(found.sum())

    def quantile_ms(self, q: float) -> float | None:
        """The lateness that a share `q` of all packets does not exceed, or None where none was measured."""
        if not self.packets.size:
            return None
        later = (1 - q) * float(self.packets.sum())
        low, high = math.log(_LEAST_MS), math.log(max(float(self.known[-1][0].max()), 10 * _LEAST_MS))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self.beyond(math.exp(middle)) > later:
                low = middle
            else:
                high = middle
        return math.exp(high)
