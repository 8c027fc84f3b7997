"""Many records read from lines, as columns."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from operator import attrgetter

import numpy as np
import pandas as pd


def floats(records: Iterable[object], names: Sequence[str]) -> pd.DataFrame:
    """Two or more numbers of each record; None becomes NaN."""
    rows = list(map(attrgetter(*names), records))
    return pd.DataFrame(np.array(rows, dtype="float64").reshape(-1, len(names)), columns=list(names))


class Places(defaultdict[str, int]):
    """The place of each name in the order in which they were first asked for."""

    def __init__(self) -> None:
        super().__init__(count().__next__)

    def of(self, names: Iterable[str]) -> list[int]:
        """Where each stands."""
        return list(map(self.__getitem__, names))
