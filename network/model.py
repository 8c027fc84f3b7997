"""The reference model: a packet in, the times at which it comes out; no clock, no input or output.

Every flow draws from random numbers of its own, whatever the others do, and losses from others than delays:
the same seed gives the same packets of a flow the same fates however flows interleave.
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from random import Random

from network.flow import Course, Flow, constant_delay_s
from network.impairment import Outages
from network.nat import Mappings
from network.profile import Direction, Profile, Traffic

FORGOTTEN_AFTER_S = 120.0  # a flow that was silent for so long begins anew
_NEVER = math.inf
_LOST: tuple[float, ...] = ()


@dataclass(slots=True)
class Tally:
    """What became of the packets of one direction of a link so far."""

    offered: int = 0
    outage: int = 0
    unmapped: int = 0  # sent to a port that a NAT has given up
    too_large: int = 0  # or a fragment where those are dropped
    queue_full: int = 0
    lost: int = 0
    bursts: int = 0  # of losses, within their flows
    reordered: int = 0
    duplicated: int = 0

    @property
    def dropped(self) -> int:
        """All that did not come out."""
        return self.outage + self.unmapped + self.too_large + self.queue_full + self.lost


class Link:
    """Both directions of one link; `name` keeps its random numbers apart from those of other links.

    Links that are counted together are given the same tallies.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        seed: int,
        name: str = "",
        tallies: Mapping[Direction, Tally] | None = None,
    ) -> None:
        seed = profile.seed if profile.seed is not None else seed
        tallies = tallies or {direction: Tally() for direction in Direction}
        self.up = Way(profile, Direction.UP, seed=seed, name=name, tally=tallies[Direction.UP])
        self.down = Way(profile, Direction.DOWN, seed=seed, name=name, tally=tallies[Direction.DOWN])
        self.nat = Mappings(profile.nat, key=f"{seed}|{name}|nat") if profile.nat is not None else None

    def way(self, direction: Direction) -> "Way":
        """One direction."""
        return self.up if direction is Direction.UP else self.down

    def release(
        self, direction: Direction, now_s: float, size_bytes: int, flow: tuple[int, bytes], traffic: Traffic
    ) -> tuple[float, ...]:
        """When a UDP packet comes out, whose sender knows nothing of a NAT; `flow` as in `network.packet`."""
        way = self.way(direction)
        if self.nat is not None and self.nat.translate(now_s, direction, flow[1], traffic) is None:
            return way.refuse()
        return way.release(now_s, size_bytes, flow, traffic)

    def forget(self, now_s: float) -> None:
        """Let go of flows that would begin anew anyway."""
        self.up.forget(now_s)
        self.down.forget(now_s)
        if self.nat is not None:
            self.nat.forget(now_s - FORGOTTEN_AFTER_S)


class Way:
    """One direction of a link."""

    def __init__(self, profile: Profile, direction: Direction, *, seed: int, name: str, tally: Tally) -> None:
        self.tally = tally
        self._profile = profile
        self._direction = direction
        self._key = f"{seed}|{name}|{direction}"
        self._flows: dict[Hashable, Flow] = {}
        self._courses: dict[Traffic, Course] = {}
        self._until_s = -_NEVER
        self._free_s = -_NEVER  # when the last packet before the rate will have gone out
        # A hole is the link's: the same in both directions where both have the same.
        self._holes = _Holes(profile.direction(direction).outages, Random(f"{seed}|{name}|outages"))
        self._phase = Random(f"{seed}|{name}|slots").random()
        self._constant_s = None if profile.windows else constant_delay_s(profile.direction(direction))

    def release(  # noqa: C901 - a step for each thing that can befall a packet, where calls would cost
        self,
        now_s: float,
        size_bytes: int,
        flow: Hashable,
        traffic: Traffic = Traffic.OTHER,
        *,
        fragment: bool = False,
    ) -> tuple[float, ...]:
        """When a packet that comes now comes out: never, once, or twice; times are of one clock from 0.

        `now_s` counts from the start of the run and never goes back; `size_bytes` is that of the IP packet;
        `flow` is anything whose `repr` says which flow it is.
        """
        tally = self.tally
        tally.offered += 1
        if self._constant_s is not None:
            return (now_s + self._constant_s,)
        if now_s >= self._until_s:
            self._turn(now_s)
        course = self._courses[traffic]
        state = self._flows.get(flow)
        if state is None or now_s - state.last_s > FORGOTTEN_AFTER_S:
            state = self._flows[flow] = Flow(f"{self._key}|{flow!r}", course, now_s)
        elif state.course is not course:
            state.enter(course)

        # All is drawn before anything is decided: what a flow draws hangs on nothing but its own packets.
        state.draw(now_s)
        if now_s >= self._holes.from_s and self._holes.is_open(now_s):
            tally.outage += 1
            return _LOST
        if size_bytes > course.largest_bytes or (fragment and course.drops_fragments):
            tally.too_large += 1
            return _LOST
        at_s = self._sent_s(now_s, size_bytes, course) if course.byte_s else now_s
        if at_s == _NEVER:
            tally.queue_full += 1
            return _LOST
        if state.losing:
            tally.lost += 1
            tally.bursts += not state.was_lost
            state.was_lost = True
            return _LOST
        state.was_lost = False
        at_s = state.arrival_s(at_s, self._phase)
        if state.overtaken:
            tally.reordered += 1
            at_s += course.overtaken_s
        if state.doubled:
            tally.duplicated += 1
            return at_s, at_s
        return (at_s,)

    def refuse(self) -> tuple[float, ...]:
        """What becomes of a packet that a NAT has no mapping for: it never comes out."""
        self.tally.offered += 1
        self.tally.unmapped += 1
        return _LOST

    def forget(self, now_s: float) -> None:
        """Let go of flows that would begin anew anyway."""
        gone = [flow for flow, state in self._flows.items() if now_s - state.last_s > FORGOTTEN_AFTER_S]
        for flow in gone:
            del self._flows[flow]

    def _sent_s(self, now_s: float, size_bytes: int, course: Course) -> float:
        """When a packet has gone out behind those that wait for the rate; never if too many do."""
        waiting_s = max(self._free_s - now_s, 0.0)
        if waiting_s > course.queue_s or waiting_s / course.byte_s + size_bytes > course.queue_bytes:
            return _NEVER
        self._free_s = now_s + waiting_s + size_bytes * course.byte_s
        return self._free_s

    def _turn(self, now_s: float) -> None:
        impairments, self._until_s = self._profile.at(now_s, self._direction)
        known = {course.impairment: course for course in self._courses.values()}
        self._courses = {
            traffic: known.get(impairment) or known.setdefault(impairment, Course(impairment))
            for traffic, impairment in impairments.items()
        }


class _Holes:
    """The outages of a link, one after the other as time goes on."""

    def __init__(self, outages: Outages | None, random: Random) -> None:
        self._outages = outages
        self._random = random
        self.from_s = _NEVER
        self._to_s = 0.0
        if outages is not None:
            self._next(outages)

    def is_open(self, now_s: float) -> bool:
        """Whether the link is away now; to be asked from `from_s` on."""
        while self._outages is not None and now_s >= self._to_s:
            self._next(self._outages)
        return now_s >= self.from_s

    def _next(self, outages: Outages) -> None:
        self.from_s = self._to_s + self._random.expovariate(outages.per_s)
        self._to_s = self.from_s + self._random.uniform(outages.from_ms, outages.to_ms) / 1000
