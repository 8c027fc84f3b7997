"""The relay: UDP and TCP between two hosts of one machine that know each other by loopback aliases.

What is sent to a host's alias arrives at the host, from the alias of whoever sent it, when the model says.
Both hosts advertise their aliases, so nothing is rewritten. It needs no privileges.
"""

import heapq
import select
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import NamedTuple

from network.connections import Connections, Sending
from network.dose import LegDose, Meter
from network.errors import CannotExpressError, UnavailableError
from network.impairment import Fragments, Impairment
from network.packet import UDP, udp_traffic
from network.profile import Direction, Profile, Traffic
from network.turns import GATHER_S, Turns

_UDP_OVERHEAD_BYTES = 28  # IP and UDP
_LARGEST_BYTES = 65536
_AT_ONCE = 64
_SO_MEMINFO = 55  # asm-generic/socket.h
_MEMINFO = struct.Struct("@9I")  # linux/sock_diag.h; the last is how many datagrams found no room


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One side: where it is, the alias that the other side knows it by, and the ports that it uses.

    A near host says by its number which of the leg's profiles it is under.
    """

    address: str
    alias: str
    udp: tuple[int, ...] = ()
    tcp: tuple[int, ...] = ()  # that it listens on
    profile: int = 0


class _Route(NamedTuple):
    """How the datagrams of a flow go on: from which socket to whom, what says when, what counts them."""

    send: Callable[[bytes, tuple[str, int]], object]
    target: tuple[str, int]
    release: Callable[..., tuple[float, ...]]
    flow: tuple[int, bytes]
    meter: Meter


def check(profile: Profile, *, tcp: bool) -> None:
    """Refuse a profile that a relay cannot deliver.

    Raises:
        CannotExpressError: It looks at packets where a relay has datagrams and streams.
    """
    lacking = list(dict.fromkeys(_lacking(profile, tcp=tcp)))
    if lacking:
        raise CannotExpressError(f"a relay cannot deliver {profile.name}: {'; '.join(lacking)}. The wire can")


def _lacking(profile: Profile, *, tcp: bool) -> Iterator[str]:
    if profile.nat is not None:
        yield "it has no other ports to send from"
    for one in profile.impairments():
        if one.mtu_bytes is not None or one.fragments is Fragments.DROP:
            yield "it does not see fragments"
        if tcp and _disturbs_streams(one):
            yield "it cannot lose, double or reorder packets of a TCP stream"


def _disturbs_streams(one: Impairment) -> bool:
    ordered = one.jitter is None or one.jitter.ordered
    return bool(one.loss or one.outages or one.reorder or one.duplicate or one.rate_kbps or not ordered)


class Relay:
    """Datagrams and streams between near hosts and a far one; times are of the monotonic clock.

    Raises:
        UnavailableError: An alias is taken, or this process may not have so many sockets.
    """

    def __init__(self, near: Sequence[Host], far: Host, dose: LegDose, *, start_s: float) -> None:
        self._dose = dose
        self._start_s = start_s
        self._hosts = {host.address: host for host in (*near, far)}
        self._far = far
        self._epoll = select.epoll()
        self._datagrams: dict[int, tuple[socket.socket, Host, int]] = {}
        self._by_alias: dict[tuple[str, int], socket.socket] = {}
        self._connections = Connections(self._epoll, self._meet)
        self._routes: dict[tuple[int, tuple[str, int]], _Route] = {}
        self._waiting: list[tuple[float, int, float, Meter, Callable[..., object], tuple[object, ...]]] = []
        self._number = 0
        self._turns = Turns(start_s)
        self.strangers = 0
        for host in self._hosts.values():
            for port in host.udp:
                bound = _bound(socket.SOCK_DGRAM, host, port)
                self._datagrams[bound.fileno()] = (bound, host, port)
                self._by_alias[host.alias, port] = bound
                self._epoll.register(bound, select.EPOLLIN)
            for port in host.tcp:
                self._connections.listen(_bound(socket.SOCK_STREAM, host, port), host.address, port)

    def begin(self, doses: Sequence[LegDose], *, start_s: float) -> None:
        """Go over to other links, whose run begins at `start_s`; what is on its way keeps its time."""
        (self._dose,), self._start_s = doses, start_s
        self._turns.last_s = start_s
        self._routes.clear()

    def forget(self) -> None:
        """Let go of routes, which flows that still live find again."""
        self._routes.clear()

    def unread(self) -> int:
        """Datagrams that sockets had no room for because this process was too slow."""
        return sum(
            _MEMINFO.unpack(bound.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[-1]
            for bound, _, _ in self._datagrams.values()
        )

    def run(self, until_s: float, listen: int) -> bool:
        """Carry on until a moment, or until there is something to read from `listen`: then True."""
        while True:
            now_s = self._deliver()
            if now_s >= until_s:
                return False
            self._connections.watch()
            wake_s = min(self._waiting[0][0], until_s) if self._waiting else until_s
            # Of all the sockets only their epoll is waited for, whose own waits are of whole milliseconds.
            readable, first_s = self._turns.wait((listen, self._epoll.fileno()), now_s, wake_s)
            if listen in readable:
                return True
            if readable:
                came_s = (first_s + self._turns.last_s) / 2
                for descriptor, events in self._epoll.poll(0):
                    if (datagrams := self._datagrams.get(descriptor)) is not None:
                        self._turns.found += self._take_datagrams(came_s, descriptor, *datagrams)
                    else:
                        self.strangers += not self._connections.take(descriptor, events)

    def _deliver(self) -> float:
        waiting, now_s = self._waiting, monotonic()
        while waiting and waiting[0][0] <= now_s + GATHER_S / 2:
            due_s, _, arrived_s, meter, deliver, what = heapq.heappop(waiting)
            try:
                deliver(*what)
            except OSError:  # nobody there: what an ICMP message said of an earlier one
                meter.refused += 1
            now_s = monotonic()
            meter.add(arrived_s, due_s, now_s)
        return now_s

    def _take_datagrams(
        self, came_s: float, descriptor: int, bound: socket.socket, host: Host, port: int
    ) -> int:
        """Read what came to a host's alias, to send it on from its sender's alias when due; how many."""
        routes, waiting, start_s = self._routes, self._waiting, self._start_s
        for count in range(_AT_ONCE):
            try:
                payload, sender = bound.recvfrom(_LARGEST_BYTES)
            except BlockingIOError:
                return count
            except OSError:  # an ICMP message
                continue
            route = routes.get((descriptor, sender))
            if route is None:
                route = self._route(sender, host, port)
                if route is None:
                    self.strangers += 1
                    continue
                routes[descriptor, sender] = route
            send, target, release, flow, meter = route
            size_bytes = len(payload) + _UDP_OVERHEAD_BYTES
            for due_s in release(came_s - start_s, size_bytes, flow, udp_traffic(payload)):
                self._number += 1
                item = (due_s + start_s, self._number, came_s, meter, send, (payload, target))
                heapq.heappush(waiting, item)
        return _AT_ONCE

    def _route(self, sender: tuple[str, int], host: Host, port: int) -> _Route | None:
        """How datagrams from a sender to a host's port go on; None for a stranger's."""
        address, sender_port = sender
        source = self._hosts.get(address)
        outlet = self._by_alias.get((source.alias, sender_port)) if source is not None else None
        if source is None or outlet is None:
            return None
        way = self._way(source, host)
        if way is None:
            return None
        ends = socket.inet_aton(address) + socket.inet_aton(host.address)
        flow = (UDP, ends + struct.pack("!HH", sender_port, port))
        return _Route(outlet.sendto, (host.address, port), way[0], flow, way[1])

    def _way(self, sender: Host, receiver: Host) -> tuple[Callable[..., tuple[float, ...]], Meter] | None:
        """What says when a packet from one to the other is due, and counts it; None for those of one side."""
        if (sender is self._far) is (receiver is self._far):
            return None
        direction = Direction.UP if receiver is self._far else Direction.DOWN
        near = sender if direction is Direction.UP else receiver
        found = self._dose.links.of(socket.inet_aton(near.address))
        if found is None:
            return None
        number, link = found
        return link.way(direction).release, self._dose.meters[number][direction]

    def _meet(self, address: str, alias: str) -> tuple[str, Sending, Sending] | None:
        """Who called an alias, and what takes the chunks there and back; None for a stranger."""
        caller = self._hosts.get(address)
        (called,) = (host for host in self._hosts.values() if host.alias == alias)
        if caller is None or self._way(caller, called) is None:
            return None
        return caller.alias, partial(self._release, caller, called), partial(self._release, called, caller)

    def _release(
        self,
        sender: Host,
        receiver: Host,
        flow: tuple[object, ...],
        size_bytes: int,
        write: Callable[[], object],
    ) -> None:
        if (way := self._way(sender, receiver)) is None:
            return
        (release, meter), now_s = way, monotonic()
        for due_s in release(now_s - self._start_s, size_bytes, flow, Traffic.TCP):
            self._number += 1
            item = (due_s + self._start_s, self._number, now_s, meter, write, ())
            heapq.heappush(self._waiting, item)


def _bound(kind: socket.SocketKind, host: Host, port: int) -> socket.socket:
    try:
        made = socket.socket(socket.AF_INET, kind)
    except OSError as error:
        raise UnavailableError(
            f"a relay needs more sockets than this process may have ({error.strerror}): raise `ulimit -n`, "
            f"or give it fewer callers"
        ) from None
    try:
        made.bind((host.alias, port))
    except OSError as error:
        made.close()
        raise UnavailableError(
            f"the alias {host.alias} port {port} cannot be had: {error.strerror}; is a program bound to that "
            f"port on every address?"
        ) from None
    made.setblocking(False)
    return made
