"""The lines of one network profile: which worker takes the next call, and whether there should be more."""

import math
import socket
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from sip.access import Block

DIAL_GAP_S = (
    0.04  # a call a worker, on the mean: the library keeps closed RTP sockets 500 ms, and 70/s abort it
)


@dataclass(slots=True, eq=False)
class Worker:
    """What the pool knows of one worker; `place` is its number within its group."""

    name: str
    group: "HuntGroup"
    place: int
    connection: socket.socket
    log: Path
    address: str
    pid: int | None = None
    port: int = 0
    slots: int = 0
    calls: set[str] = field(default_factory=set)
    dialled_s: deque[float] = field(default_factory=deque)
    pulse_s: float = 0.0
    cpu_s: float = 0.0
    cpu_share: float = 0.0
    lag_s: float | None = None

    def be_ready(self, pid: int, port: int, slots: int) -> None:
        """It takes orders."""
        self.pid, self.port, self.slots = pid, port, slots
        self.dialled_s = deque([-math.inf] * slots, maxlen=slots)


class HuntGroup:
    """Workers whose lines are under one profile, four lines or so each; it stops growing at `most` lines.

    Each place has addresses of its own, which a worker that died leaves to the one that replaces it.
    """

    def __init__(self, block: Block, *, most: int | None) -> None:
        self.block = block
        self.workers: list[Worker] = []
        self._most = min((each for each in (most, block.lines) if each is not None), default=None)

    def free_place(self, slots: int) -> int | None:
        """Where another worker would go, or None where there may be no more; a full one has `slots` lines."""
        taken = {worker.place for worker in self.workers}
        place = next(place for place in range(len(taken) + 1) if place not in taken)
        return place if self._most is None or len(taken) * slots < self._most else None

    def is_short(self, slots: int) -> bool:
        """Whether a worker's worth of free lines or less is left, and no other is on its way."""
        if any(worker.pid is None for worker in self.workers):
            return False
        return sum(worker.slots - len(worker.calls) for worker in self.workers) <= slots

    def take(self, now_s: float) -> Worker | None:
        """The worker that dialled longest ago, of those that have a free line and have rested."""
        rested = [
            worker
            for worker in self.workers
            if len(worker.calls) < worker.slots and now_s - worker.dialled_s[0] >= DIAL_GAP_S * worker.slots
        ]
        worker = min(rested, key=lambda worker: worker.dialled_s[-1], default=None)
        if worker is not None:
            worker.dialled_s.append(now_s)
        return worker
