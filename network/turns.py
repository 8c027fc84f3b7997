"""When a loop that carries packets looks for them: not at each one, since to wake up costs more than that."""

import select
from collections.abc import Sequence
from time import monotonic, sleep

GATHER_S = 0.0004
"""At most so often is there a turn. What one finds came within so long before, and what is due within half of
that is sent on in it, so that both errors are around zero."""
_MANY = 2  # packets in a turn, after which the next one will find some too: no need to be woken by the first
_AT_ONCE_S = 0.00005  # a wait that is shorter was none


class Turns:
    """The turns of a loop; times are of the monotonic clock."""

    def __init__(self, start_s: float) -> None:
        self.last_s = start_s  # when was last looked
        self.found = 0  # packets in the last turn, as the loop says

    def wait(self, sources: Sequence[int], now_s: float, wake_s: float) -> tuple[list[int], float]:
        """Wait for the next turn, at `wake_s` if nothing comes before.

        What can be read then, and the earliest moment at which it can have come.
        """
        first_s = self.last_s
        if self.found < _MANY:
            select.select(sources, (), (), max(wake_s - now_s, 0.0))
            woken_s = monotonic()
            if woken_s - now_s > _AT_ONCE_S:
                first_s = woken_s
            now_s = woken_s
        if (rest_s := self.last_s + GATHER_S - now_s) > 0:
            sleep(rest_s)
        readable, _, _ = select.select(sources, (), (), 0)
        self.last_s, self.found = monotonic(), 0
        return readable, first_s
