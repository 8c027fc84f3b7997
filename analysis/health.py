"""The tester's own state by the second: CPU of its processes and lateness of its loops."""

from collections.abc import Iterable

import msgspec
import numpy as np
import pandas as pd


class Load(msgspec.Struct, gc=False):
    """One process, since the line before."""

    name: str
    cpu_share: float


class Second(msgspec.Struct, gc=False):
    """A line of a health file, as far as it is read."""

    unix: float
    loop_lag_s: float | None
    processes: list[Load]
    restarts: int = 0


def health_tables(seconds: Iterable[Second]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CPU of each tester process by second; the loop lag by worker and second, with restarts until then."""
    unix, repeats, names, shares, lags = [], [], [], [], []
    known: dict[str, str] = {}
    for second in seconds:
        unix.append(second.unix)
        repeats.append(len(second.processes))
        for load in second.processes:
            names.append(known.setdefault(load.name, load.name))
            shares.append(load.cpu_share)
        if second.loop_lag_s is not None:
            lags.append((second.unix, second.loop_lag_s, second.restarts))
    cpu = {
        "unix": np.repeat(np.array(unix, dtype="float64"), np.array(repeats, dtype="int64")),
        "process": pd.array(names, dtype="str"),
        "cpu_share": np.array(shares, dtype="float64"),
    }
    lag = np.array(lags, dtype="float64").reshape(-1, 3)
    return pd.DataFrame(cpu), pd.DataFrame(lag, columns=["unix", "lag_s", "restarts"])
