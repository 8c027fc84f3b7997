"""Jitter as netem draws it: a table of deviations that `tc` reads from a file, and what to scale it by."""

import functools
from pathlib import Path

from network.distribution import mean_s, quantile_s
from network.impairment import Distribution, Jitter

# A table's numbers are deviations from the mean, up to four times netem's own unit of jitter either way. The
# units below, in terms of the jitter's one number, give the last entry of each distribution its place there.
UNITS = {Distribution.NORMAL: 1.0, Distribution.EXPONENTIAL: 2.25}
_ENTRIES = 4096  # as many as netem's own tables have: the last stands for one packet in 8192
_ONE = 8192  # what netem takes for one unit


def unit_ms(jitter: Jitter) -> float:
    """What netem is to scale its table by."""
    return UNITS[jitter.distribution] * jitter.ms


@functools.cache
def table(distribution: Distribution) -> tuple[int, ...]:
    """The quantiles of a distribution at the middle of equal shares, as netem's numbers."""
    jitter = Jitter(distribution=distribution, ms=1.0)
    unit_s = UNITS[distribution] / 1000
    shares = ((entry + 0.5) / _ENTRIES for entry in range(_ENTRIES))
    return tuple(round(_ONE * (quantile_s(jitter, share) - mean_s(jitter)) / unit_s) for share in shares)


def write(folder: Path) -> None:
    """Write the table of each distribution to where `tc` is told to look (TC_LIB_DIR)."""
    for distribution in UNITS:
        (folder / f"{distribution}.dist").write_text("\n".join(map(str, table(distribution))) + "\n")
