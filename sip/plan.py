"""When each call of a run is due, to which arm and under which network: a pure function of the seed."""

import enum
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from network.spec import CLEAN
from sip.errors import UsageError

PER_ARM_AND_BLOCK = 2  # two arms give permuted blocks of four


class Arrivals(enum.StrEnum):
    """How due times are spread around the rate."""

    POISSON = "poisson"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Dial:
    """One call that is to be made: when, to which arm, under which network profile, and as whom."""

    index: int
    due_s: float
    arm: str
    profile: str
    block: int
    warm_up: bool
    from_user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The arrivals of one run.

    `calls` counts the measured calls of all arms together and may be any number; `warm_up` calls an arm
    come before them, in blocks of their own. One of `profiles` is drawn for each call, as often as each
    other one within each arm. `duration_s` counts from the start, warm-up included, and cuts whatever is due
    at or after it. Dials and blocks are numbered from `first` on. Raises UsageError for a value that no run
    can have.
    """

    calls: int
    calls_per_second: float
    arms: tuple[str, ...]
    seed: int
    arrivals: Arrivals = Arrivals.POISSON
    warm_up: int = 0
    profiles: tuple[str, ...] = (CLEAN,)
    duration_s: float | None = None
    first: int = 0

    def __post_init__(self) -> None:
        if self.calls < 0:
            raise UsageError("--calls", self.calls, "give 0 or more calls")
        if not (math.isfinite(self.calls_per_second) and self.calls_per_second > 0):
            raise UsageError("--calls-per-second", self.calls_per_second, "give a rate above 0")
        if self.warm_up < 0:
            raise UsageError("--warm-up", self.warm_up, "give 0 or more calls an arm")
        if not self.arms or len(set(self.arms)) != len(self.arms):
            raise UsageError("--arms", ",".join(self.arms), "name at least one arm, each once")
        if self.duration_s is not None and not self.duration_s > 0:
            raise UsageError("--run-time", self.duration_s, "give a time above 0 s, or leave it out")

    def dials(self, worker_index: int = 0, workers: int = 1) -> Iterator[Dial]:
        """The dials of one worker in due order; those of all workers together are the plan."""
        if not 0 <= worker_index < workers:
            raise ValueError(f"worker {worker_index} is not one of {workers}")
        return itertools.islice(self._all(), worker_index, None, workers)

    @property
    def total(self) -> int:
        """Dials of the whole plan, warm-up included, where no duration cuts it."""
        return self.calls + self.warm_up * len(self.arms)

    def _all(self) -> Iterator[Dial]:
        # Streams of their own: the same seed gives the same due times whatever the arms are, and the reverse,
        # and the same of both whatever the profiles are.
        prefix = random.Random(f"{self.seed}/callers").randrange(1000, 10000)
        draws = self._profile_draws()
        places = zip(self._due_times(), self._assignments(random.Random(f"{self.seed}/arms")), strict=False)
        for index, (due_s, (arm, block, warm_up)) in enumerate(places, start=self.first):
            if self.duration_s is not None and due_s >= self.duration_s:
                return
            profile = next(draws[arm, warm_up])
            yield Dial(index, due_s, arm, profile, block, warm_up, f"{prefix}{index:07d}")

    def _due_times(self) -> Iterator[float]:
        if self.arrivals is Arrivals.CONSTANT:
            return (index / self.calls_per_second for index in itertools.count())
        draw = random.Random(f"{self.seed}/arrivals")
        return itertools.accumulate(draw.expovariate(self.calls_per_second) for _ in itertools.count())

    def _profile_draws(self) -> dict[tuple[str, bool], Iterator[str]]:
        """What draws the profile of the next call of an arm, in its warm-up and after."""
        around = random.Random(f"{self.seed}/profiles/warm-up").sample(self.profiles, len(self.profiles))
        draws: dict[tuple[str, bool], Iterator[str]] = {}
        for place, arm in enumerate(self.arms):
            # Each arm goes on where the one before ends: few warm-up calls reach as many profiles as can be.
            draws[arm, True] = itertools.islice(itertools.cycle(around), place * self.warm_up, None)
            draws[arm, False] = self._permuted(random.Random(f"{self.seed}/profiles/{place}"))
        return draws

    def _permuted(self, draw: random.Random) -> Iterator[str]:
        while True:
            yield from draw.sample(self.profiles, len(self.profiles))

    def _assignments(self, draw: random.Random) -> Iterator[tuple[str, int, bool]]:
        """Arm, global block, warm-up; a block that is cut short stays as balanced as it can."""
        blocks = itertools.count(self.first)
        for left in _block_sizes(self.warm_up * len(self.arms), len(self.arms)):
            # Cutting a warm-up block by whole rounds keeps exactly `warm_up` calls for each arm.
            yield from _block(self.arms * (left // len(self.arms)), next(blocks), draw, warm_up=True)
        for left in _block_sizes(self.calls, len(self.arms)):
            rounds = [draw.sample(self.arms, len(self.arms)) for _ in range(PER_ARM_AND_BLOCK)]
            drawn = tuple(itertools.chain.from_iterable(rounds))[:left]
            yield from _block(drawn, next(blocks), draw, warm_up=False)


def _block_sizes(dials: int, arms: int) -> Iterator[int]:
    full, rest = divmod(dials, PER_ARM_AND_BLOCK * arms)
    yield from itertools.repeat(PER_ARM_AND_BLOCK * arms, full)
    if rest:
        yield rest


def _block(
    arms: tuple[str, ...], block: int, draw: random.Random, *, warm_up: bool
) -> Iterator[tuple[str, int, bool]]:
    for arm in draw.sample(arms, len(arms)):
        yield arm, block, warm_up
