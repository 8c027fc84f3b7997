"""The lines of one network profile: which worker takes the next call, and whether there should be more."""

import heapq
import itertools
import math
import socket
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sip.access import Address, Block
from sip.phone import ProcessLoad
from sip.vital_signs import Sign

SPARE_SHARE = 1 / 16  # of the lines in use: calls that come up faster than workers start must not wait
MOST_COMING = 8  # at once: starts take the cores from calls


class Line(NamedTuple):
    """A line of a worker: its number there, and where the pump hears its next call, if that does.

    `ear` is the pump's number of that, `ports` are its RTP and RTCP.
    """

    number: int
    ear: int = 0
    ports: tuple[int, int] | None = None


@dataclass(slots=True, eq=False)
class Worker:
    """What the pool knows of one worker; `place` is its number within its group."""

    name: str
    number: int
    group: "HuntGroup"
    place: int
    connection: socket.socket
    log: Path
    addresses: tuple[Address, ...]
    pid: int | None = None
    port: int = 0
    slots: int = 0
    free: deque[Line] = field(default_factory=deque)
    calls: dict[str, Line] = field(default_factory=dict)
    dialled_s: deque[float] = field(default_factory=deque)
    sign: Sign | None = None
    cpu_share: float = 0.0
    lag_s: float | None = None
    silent_looks: int = 0
    end: str = "died"

    def shows(self, sign: Sign | None) -> None:
        """Take its last sign of life, which may have been seen before."""
        if sign is None or sign == self.sign:
            self.silent_looks += 1
            return
        self.silent_looks = 0
        if self.sign is not None:
            self.cpu_share = (sign.cpu_s - self.sign.cpu_s) / (sign.at_s - self.sign.at_s)
        self.sign = sign
        self.lag_s = max(self.lag_s or 0.0, sign.loop_lag_s)

    def health(self) -> tuple[ProcessLoad | None, float | None]:
        """Its CPU share, and its loop's largest lateness in seconds since the last look, if known."""
        lag_s, self.lag_s = self.lag_s, None
        return None if self.pid is None else ProcessLoad(self.name, self.pid, self.cpu_share), lag_s


class HuntGroup:
    """Workers whose lines are under one profile, four lines or so each; it stops growing at `most` lines.

    Each place has addresses of its own, which a worker that died leaves to the one that replaces it. A call
    goes to the worker whose turn came last, since a process that has just run is several times as cheap to
    run as one that has been swapped out of the caches; none dials more often than `dial_gap_s` on the mean
    over its lines.
    """

    def __init__(self, block: Block, *, most: int | None, dial_gap_s: float = 0.0) -> None:
        self.block = block
        self.workers: dict[int, Worker] = {}
        self._most = min((each for each in (most, block.lines) if each is not None), default=None)
        self._dial_gap_s = dial_gap_s
        self._turn: list[Worker] = []  # those with a free line that have rested
        self._resting: list[tuple[float, int, Worker]] = []  # those with a free line, by when they have
        self._order = itertools.count()
        self._lines = self._up = self._coming = 0
        self._all_rest = False

    def free_place(self, slots: int) -> int | None:
        """Where another worker would go, or None where there may be no more; a full one has `slots` lines."""
        taken = len(self.workers)
        if self._most is not None and taken * slots >= self._most:
            return None
        return next(place for place in range(taken + 1) if place not in self.workers)

    def add(self, worker: Worker) -> None:
        """A worker is on its way."""
        self.workers[worker.place] = worker
        self._coming += 1

    def be_ready(self, worker: Worker, *, pid: int, port: int, slots: int) -> None:
        """It takes orders, on such lines as it is `give`n."""
        worker.pid, worker.port, worker.slots = pid, port, slots
        worker.dialled_s = deque([-math.inf] * slots, maxlen=slots)
        self._coming -= 1
        self._lines += slots

    def remove(self, worker: Worker) -> None:
        """It is gone, and what was up on its lines with it."""
        del self.workers[worker.place]
        if worker.pid is None:
            self._coming -= 1
            return
        self._lines -= worker.slots
        self._up -= len(worker.calls)
        self._dequeue(worker)

    def is_short(self, slots: int) -> bool:
        """Whether another worker should be made: few lines are free, with those on their way, or all rest."""
        if self._all_rest and self._coming == 0:
            return True
        spare = self._lines + self._coming * slots - self._up
        return self._coming < MOST_COMING and spare <= max(slots, self._up * SPARE_SHARE)

    def take(self, call_id: str, now_s: float) -> Worker | None:
        """Give the call a line of the worker whose turn it is; None where none is free or all rest."""
        while self._resting and self._resting[0][0] <= now_s:
            self._turn.append(heapq.heappop(self._resting)[2])
        self._all_rest = not self._turn and bool(self._resting)
        if not self._turn:
            return None
        worker = self._turn.pop()
        worker.dialled_s.append(now_s)
        worker.calls[call_id] = worker.free.popleft()
        self._up += 1
        if worker.free:
            self._queue(worker)
        return worker

    def give(self, worker: Worker, line: Line) -> None:
        """A line of the worker may be called on."""
        worker.free.append(line)
        if len(worker.free) == 1:
            self._queue(worker)

    def withdraw(self, worker: Worker) -> list[Line]:
        """Nobody may call on its free lines, until they are given again."""
        lines = list(worker.free)
        worker.free.clear()
        self._dequeue(worker)
        return lines

    def end(self, worker: Worker, call_id: str) -> Line:
        """The call is over; its line is given anew when it can be called on again."""
        self._up -= 1
        return worker.calls.pop(call_id)

    def _queue(self, worker: Worker) -> None:
        rested_s = worker.dialled_s[0] + self._dial_gap_s * worker.slots
        heapq.heappush(self._resting, (rested_s, next(self._order), worker))

    def _dequeue(self, worker: Worker) -> None:
        self._turn = [each for each in self._turn if each is not worker]
        self._resting = [each for each in self._resting if each[2] is not worker]
        heapq.heapify(self._resting)
