"""The loop that carries packets from device to device when the model says so."""

import contextlib
import heapq
import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

from network.dose import LegDose, Meter
from network.model import Link
from network.nat import Mappings
from network.packet import (
    MEDIA_STARTS,
    PLAIN,
    WHOLE_UDP,
    has_udp_ports,
    heading,
    is_ipv4,
    is_whole_udp,
    udp_traffic,
    with_udp_flow,
)
from network.profile import Direction, Traffic
from network.turns import GATHER_S, Turns

_LARGEST_BYTES = 2048  # the devices' MTU is 1500, and room that is not needed costs time
_AT_ONCE = 64  # packets read from a device before the others and what is due get their turn


class Route(NamedTuple):
    """How the packets of a flow go on: what says when, who they are to it, and what counts them."""

    release: Callable[..., tuple[float, ...]]
    flow: Hashable
    meter: Meter


@dataclass(slots=True)
class Lane:
    """One direction of a leg: from which device to which."""

    source: int
    sink: int
    direction: Direction
    dose: LegDose
    routes: dict[bytes, Route] = field(default_factory=dict)  # of UDP, by addresses and ports


class Forwarding:
    """Packets on their way, and the lanes that they take; times are of the monotonic clock."""

    def __init__(self, lanes: Sequence[Lane], *, start_s: float, unread: Callable[[], int]) -> None:
        self._lanes = {lane.source: lane for lane in lanes}
        self._start_s = start_s
        self._waiting: list[tuple[float, int, float, Meter, int, bytes]] = []
        self._number = 0
        self._turns = Turns(start_s)
        self.strangers = 0  # packets of no link's: broadcasts, other protocols
        self.unread = unread

    def begin(self, doses: Sequence[LegDose], *, start_s: float) -> None:
        """Go over to other links, whose run begins at `start_s`; packets on their way keep their time."""
        by_leg = {dose.leg: dose for dose in doses}
        for lane in self._lanes.values():
            lane.dose = by_leg[lane.dose.leg]
            lane.routes.clear()
        self._start_s = self._turns.last_s = start_s

    def forget(self) -> None:
        """Let go of routes, which flows that still live find again."""
        for lane in self._lanes.values():
            lane.routes.clear()

    def run(self, until_s: float, listen: int) -> bool:
        """Carry packets until a moment, or until there is something to read from `listen`: then True."""
        sources, waiting, turns = [*self._lanes, listen], self._waiting, self._turns
        while True:
            now_s = self._deliver()
            if now_s >= until_s:
                return False
            wake_s = min(waiting[0][0], until_s) if waiting else until_s
            readable, first_s = turns.wait(sources, now_s, wake_s)
            for source in readable:
                if source == listen:
                    return True
                turns.found += self._take(self._lanes[source], first_s, turns.last_s)

    def _deliver(self) -> float:
        """Send on what is due, or is nearer to now than to the next turn; the time when that is done."""
        waiting, pop, write = self._waiting, heapq.heappop, os.write
        now_s = monotonic()
        while waiting and waiting[0][0] <= now_s + GATHER_S / 2:
            due_s, _, arrived_s, meter, sink, packet = pop(waiting)
            try:
                write(sink, packet)
            except OSError:
                meter.refused += 1
            now_s = monotonic()
            meter.add(arrived_s, due_s, now_s)
        return now_s

    def _take(self, lane: Lane, first_s: float, last_s: float) -> int:
        """Read what came to a device between two moments, and give each packet the time at which it goes on.

        They are taken to have come one after the other, at even distances.
        """
        source, packets = lane.source, list[bytes]()
        with contextlib.suppress(BlockingIOError):
            while len(packets) < _AT_ONCE:
                packets.append(os.read(source, _LARGEST_BYTES))
        sink, routes, start_s, waiting = lane.sink, lane.routes, self._start_s, self._waiting
        push, number, apart_s = heapq.heappush, self._number, (last_s - first_s) / (len(packets) or 1)
        at_s = first_s - start_s - apart_s / 2
        for packet in packets:
            at_s += apart_s
            route = routes.get(packet[12:24])
            if route is not None and packet[6:10] in WHOLE_UDP and packet[0] == PLAIN:
                release, flow, meter = route
                traffic = Traffic.MEDIA if packet[28:29] in MEDIA_STARTS else udp_traffic(packet, 28)
                released = release(at_s, len(packet), flow, traffic)
            else:
                found = self._link(lane, packet)
                if found is None:
                    self.strangers += 1
                    continue
                link, meter = found
                way, inside = link.way(lane.direction), packet
                if link.nat is not None and has_udp_ports(packet):
                    inside, packet = _translated(packet, link.nat, lane.direction, at_s)
                    if not packet:
                        way.refuse()
                        continue
                head = heading(inside)
                if link.nat is None and is_whole_udp(packet):
                    routes[packet[12:24]] = Route(way.release, head.flow, meter)
                released = way.release(at_s, len(packet), head.flow, head.traffic, fragment=head.fragment)
            for due_s in released:
                number += 1
                push(waiting, (due_s + start_s, number, at_s + start_s, meter, sink, packet))
        self._number = number
        return len(packets)

    @staticmethod
    def _link(lane: Lane, packet: bytes) -> tuple[Link, Meter] | None:
        """The link that a packet takes, and the meter that it is counted by; None for a stranger's."""
        if not is_ipv4(packet):
            return None
        found = lane.dose.links.of(packet[12:16] if lane.direction is Direction.UP else packet[16:20])
        if found is None:
            return None
        number, link = found
        return link, lane.dose.meters[number][lane.direction]


def _translated(packet: bytes, nat: Mappings, direction: Direction, at_s: float) -> tuple[bytes, bytes]:
    """A packet as it is at the near end and as it goes on; empty when it was sent to a port given up."""
    before = packet[12:24]
    after = nat.translate(at_s, direction, before, udp_traffic(packet, 28))
    if after is None:
        return packet, b""
    changed = packet if after == before else with_udp_flow(packet, after)
    return (packet, changed) if direction is Direction.UP else (changed, changed)
