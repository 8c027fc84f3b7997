"""Things to do at their times, without a clock of their own."""

import heapq
import itertools
from collections.abc import Callable

Action = Callable[[float], object]
"""What is done, given when it was due, in seconds."""


class Timer:
    """One thing that is due, until it is done or cancelled."""

    __slots__ = ("action",)

    def __init__(self, action: Action) -> None:
        self.action: Action | None = action

    def cancel(self) -> None:
        """It is not done any more."""
        self.action = None


class Timers:
    """All that is due, soonest first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()  # those due at one time come in the order in which they were set

    def at(self, due_s: float, action: Action) -> Timer:
        """Have something done at a time."""
        timer = Timer(action)
        heapq.heappush(self._heap, (due_s, next(self._numbers), timer))
        return timer

    @property
    def next_s(self) -> float | None:
        """When the next is due, or None where nothing is."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, now_s: float) -> None:
        """Do all that is due, each in its turn as of the time when it was."""
        while self._heap and self._heap[0][0] <= now_s:
            due_s, _, timer = heapq.heappop(self._heap)
            action, timer.action = timer.action, None
            if action is not None:
                action(due_s)
