"""What befalls each set-up of an arm: one chooser, whose faults can be exchanged while calls are up."""

import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from lab.faults import Fault, FaultKind, Portion, choices


@dataclass(frozen=True, slots=True)
class Fate:
    """What befalls one set-up; `heals_at_s` is when, on the monotonic clock, a fault that heals does so."""

    fault: Fault
    heals_at_s: float | None = None


class Fates:
    """Draws a fate for each set-up, in the order in which they come.

    A set-up that asks for its endpoint beforehand, by its room, has its fate drawn then. Unless that strikes
    below HTTP, the request that it sends later meets it.
    """

    def __init__(self, draw: random.Random) -> None:
        """Begin without faults, and shuffle those to come with `draw`."""
        self._draw = draw
        self._drawn: dict[str, deque[Fate | None]] = {}
        self.switch(())

    def switch(self, portions: Sequence[Portion]) -> None:
        """Draw from these from the next set-up on; what heals counts its seconds from now."""
        self._since_s = time.monotonic()
        self._choices = choices(portions, self._draw)

    def foretell(self, room: str) -> Fate | None:
        """Draw for a set-up of this room that is about to come."""
        fate = self._next()
        if fate is None or not fate.fault.kind.below_http:
            self._drawn.setdefault(room, deque()).append(fate)
        return fate

    def meet(self, room: str | None) -> Fate | None:
        """The fate of a set-up that is there: the one foretold for its room, or else a fresh one."""
        if room is None or room not in self._drawn:
            return self._next()
        foretold = self._drawn[room]
        fate = foretold.popleft()
        if not foretold:
            del self._drawn[room]
        return fate

    def _next(self) -> Fate | None:
        fault = next(self._choices)
        if fault is None:
            return None
        if fault.kind is not FaultKind.HEAL:
            return Fate(fault)
        heals_at_s = self._since_s + fault.value_s
        return Fate(fault, heals_at_s) if time.monotonic() < heals_at_s else None
