"""Simulated deployments whose knee is known: what share of calls is bad at which load, and in which order."""

import heapq
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

SHARE = 0.05  # the search gate's: beyond it lies the knee
LATE_S = 3.0
LOST_S = 60.0
_SLOWEST, _FASTEST = 0.3, 6.0  # knees, calls per second


class Deployment(Protocol):
    """What takes calls."""

    @property
    def knee(self) -> float:
        """The calls per second at which, in the long run, just the share of the gate is late."""

    def calls(self, calls_per_second: float, random: Random) -> Iterator[tuple[bool, bool]]:
        """Calls from an idle deployment on: whether each is not answered, and whether it is late or that."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Calls fail independently; the odds grow with a power of the load, from a share that any load has."""

    knee: float
    steepness: float
    stray: float
    lost: float

    def share(self, load: float) -> float:
        """The share of bad calls at this load."""
        by_load = (SHARE - self.stray) / (1 - self.stray)
        odds: float = by_load / (1 - by_load) * (load / self.knee) ** self.steepness
        return self.stray + (1 - self.stray) * odds / (1 + odds)

    def calls(self, calls_per_second: float, random: Random) -> Iterator[tuple[bool, bool]]:
        """Calls one after another, of which the bad ones are lost or late."""
        return _independent(self.share(calls_per_second), self.lost, random)


@dataclass(frozen=True, slots=True)
class Cliff:
    """Nearly every call is good below the knee, and bad from there on."""

    knee: float
    stray: float
    lost: float

    def calls(self, calls_per_second: float, random: Random) -> Iterator[tuple[bool, bool]]:
        """Calls one after another, of which the bad ones are lost or late."""
        return _independent(self.stray if calls_per_second < self.knee else 0.9, self.lost, random)


def _independent(share: float, lost: float, random: Random) -> Iterator[tuple[bool, bool]]:
    while True:
        bad = random.random() < share
        yield bad and random.random() < lost, bad


@dataclass(frozen=True, slots=True)
class Queue:
    """Calls wait for one of a few servers (M/M/c): bad ones come in a row, and a queue takes time to grow."""

    servers: int
    service_s: float

    @property
    def knee(self) -> float:
        """Where the share that rings for longer than it may is just the gate's, in the long run."""
        low, high = 0.0, self.servers / self.service_s
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.share(middle) < SHARE else (low, middle)
        return low

    def share(self, load: float) -> float:
        """The share of calls whose wait and service together take longer (Erlang C; Kleinrock 1975, 3.5)."""
        busy = load * self.service_s
        if busy >= self.servers:
            return 1.0
        blocked = 1.0  # Erlang B, by its recursion
        for server in range(1, self.servers + 1):
            blocked = busy * blocked / (server + busy * blocked)
        waits = blocked / (1 - busy / self.servers * (1 - blocked))
        end, drain = 1 / self.service_s, (self.servers - busy) / self.service_s
        served = math.exp(-end * LATE_S)
        if math.isclose(end, drain, rel_tol=1e-6):
            return served * (1 + waits * end * LATE_S)
        return served + waits * end / (end - drain) * (math.exp(-drain * LATE_S) - served)

    def calls(self, calls_per_second: float, random: Random) -> Iterator[tuple[bool, bool]]:
        """Calls as they arrive at random, first come first served."""
        free, now = [0.0] * self.servers, 0.0
        while True:
            now += random.expovariate(calls_per_second)
            end = max(now, heapq.heappop(free)) + random.expovariate(1 / self.service_s)
            heapq.heappush(free, end)
            yield end - now > LOST_S, end - now > LATE_S


def slope(random: Random) -> Slope:
    """One of any steepness, from a few bad calls more at twice the load to nearly all."""
    knee, steepness = _between(_SLOWEST, _FASTEST, random), _between(3.0, 40.0, random)
    return Slope(knee, steepness, random.choice((0.0, 0.002, 0.01)), random.choice((0.0, 0.5, 1.0)))


def cliff(random: Random) -> Cliff:
    """One with its edge anywhere."""
    knee = _between(_SLOWEST, _FASTEST, random)
    return Cliff(knee, random.choice((0.0, 0.002, 0.01)), random.choice((0.0, 0.5, 1.0)))


def queue(random: Random) -> Queue:
    """One to eight servers, fast enough when nobody waits: at most 1 % of services alone take too long."""
    while True:
        drawn = Queue(random.randint(1, 8), _between(0.2, 0.65, random))
        if _SLOWEST <= drawn.knee <= _FASTEST:
            return drawn


KINDS: Mapping[str, Callable[[Random], Deployment]] = {"slopes": slope, "cliffs": cliff, "queues": queue}


def _between(low: float, high: float, random: Random) -> float:
    return math.exp(random.uniform(math.log(low), math.log(high)))
