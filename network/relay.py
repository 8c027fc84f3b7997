"""The relay: UDP and TCP between two hosts of one machine that know each other by loopback aliases.

What is sent to a host's alias arrives at the host, from the alias of whoever sent it, when the model says.
Both hosts advertise their aliases, so nothing is rewritten. It needs no privileges.
"""

import heapq
import select
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from network.dose import LegDose, Meter
from network.errors import CannotExpressError, UnavailableError
from network.impairment import Fragments, Impairment
from network.packet import TCP, UDP, udp_traffic
from network.profile import Direction, Profile, Traffic
from network.stream import Stream

_UDP_OVERHEAD_BYTES = 28  # IP and UDP
_TCP_OVERHEAD_BYTES = 52  # IP and TCP with timestamps
_LARGEST_BYTES = 65536
_MOST_SOCKETS = 900  # select(2) ends at descriptor 1023
_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One side: where it is, the alias that the other side knows it by, and the ports that it uses."""

    address: str
    alias: str
    udp: tuple[int, ...] = ()
    tcp: tuple[int, ...] = ()  # that it listens on


def check(profile: Profile, *, tcp: bool) -> None:
    """Refuse a profile that a relay cannot deliver.

    Raises:
        CannotExpressError: It looks at packets where a relay has datagrams and streams.
    """
    lacking = list(dict.fromkeys(_lacking(profile, tcp=tcp)))
    if lacking:
        raise CannotExpressError(f"a relay cannot deliver {profile.name}: {'; '.join(lacking)}. The wire can")


def _lacking(profile: Profile, *, tcp: bool) -> Iterator[str]:
    for one in profile.impairments():
        if one.mtu_bytes is not None or one.fragments is Fragments.DROP:
            yield "it does not see fragments"
        if tcp and _disturbs_streams(one):
            yield "it cannot lose, double or reorder packets of a TCP stream"


def _disturbs_streams(one: Impairment) -> bool:
    ordered = one.jitter is None or one.jitter.ordered
    return bool(one.loss or one.outages or one.reorder or one.duplicate or one.rate_kbps or not ordered)


class Relay:
    """Datagrams and streams between near hosts and a far one; each near host is on a link of its own."""

    def __init__(self, near: Sequence[Host], far: Host, dose: LegDose) -> None:
        self._dose = dose
        self._start_s = monotonic()
        self._hosts = {host.address: host for host in (*near, far)}
        self._far = far
        self._datagrams: dict[int, tuple[socket.socket, Host, int]] = {}
        self._by_alias: dict[tuple[str, int], socket.socket] = {}
        self._listeners: dict[int, tuple[socket.socket, Host, int]] = {}
        self._streams: list[Stream] = []
        self._waiting: list[tuple[float, int, float, Meter, Callable[[], object]]] = []
        self._number = 0
        self.strangers = 0
        if sum(len(host.udp) + len(host.tcp) for host in self._hosts.values()) > _MOST_SOCKETS:
            raise UnavailableError(f"a relay serves up to {_MOST_SOCKETS} ports: give its hosts fewer")
        for host in self._hosts.values():
            for port in host.udp:
                bound = _bound(socket.SOCK_DGRAM, host, port)
                self._datagrams[bound.fileno()] = (bound, host, port)
                self._by_alias[host.alias, port] = bound
            for port in host.tcp:
                bound = _bound(socket.SOCK_STREAM, host, port)
                bound.listen()
                self._listeners[bound.fileno()] = (bound, host, port)

    def at_s(self) -> float:
        """Seconds since it began."""
        return monotonic() - self._start_s

    def run(self, until_s: float, listen: int) -> bool:
        """Carry on until a moment, or until there is something to read from `listen`: then True."""
        while True:
            now_s = self._deliver()
            if now_s >= until_s:
                return False
            self._streams = [each for each in self._streams if not self._is_over(each)]
            reading = {each.source.fileno(): each for each in self._streams if each.wants_to_read}
            writing = {each.sink.fileno(): each for each in self._streams if each.wants_to_write}
            wake_s = min(self._waiting[0][0], until_s) if self._waiting else until_s
            sources = [listen, *self._datagrams, *self._listeners, *reading]
            readable, writable, _ = select.select(sources, list(writing), (), max(wake_s - now_s, 0.0))
            for source in readable:
                if source == listen:
                    return True
                if source in self._datagrams:
                    self._take_datagrams(*self._datagrams[source])
                elif source in self._listeners:
                    self._take_connection(*self._listeners[source])
                else:
                    reading[source].read()
            for sink in writable:
                writing[sink].flush()

    def _deliver(self) -> float:
        waiting, now_s = self._waiting, self.at_s()
        while waiting and waiting[0][0] <= now_s:
            due_s, _, arrived_s, meter, deliver = heapq.heappop(waiting)
            try:
                deliver()
            except OSError:  # nobody there: what an ICMP message said of an earlier one
                meter.refused += 1
            now_s = self.at_s()
            meter.add(arrived_s, due_s, now_s)
        return now_s

    def _take_datagrams(self, bound: socket.socket, host: Host, port: int) -> None:
        """Read what was sent to a host's alias and send it on, from its sender's alias, when it is due."""
        for _ in range(_AT_ONCE):
            try:
                payload, (address, sender_port) = bound.recvfrom(_LARGEST_BYTES)
            except BlockingIOError:
                return
            except OSError:  # an ICMP message
                continue
            sender = self._hosts.get(address)
            outlet = self._by_alias.get((sender.alias, sender_port)) if sender is not None else None
            if sender is None or outlet is None or (sender is self._far) is (host is self._far):
                self.strangers += 1
                continue
            flow = (UDP, address, sender_port, host.address, port)
            size_bytes = len(payload) + _UDP_OVERHEAD_BYTES
            deliver = partial(outlet.sendto, payload, (host.address, port))
            self._release(sender, host, flow, size_bytes, udp_traffic(payload), deliver)

    def _take_connection(self, listener: socket.socket, host: Host, port: int) -> None:
        """Meet a connection to a host's alias with one to the host, from the alias of whoever made it."""
        try:
            accepted, (address, sender_port) = listener.accept()
        except OSError:
            return
        sender = self._hosts.get(address)
        if sender is None or (sender is self._far) is (host is self._far):
            self.strangers += 1
            accepted.close()
            return
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for each in (accepted, made):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            made.bind((sender.alias, 0))
            made.connect((host.address, port))  # at once on loopback: done, or refused
        except OSError:
            accepted.close()
            made.close()
            return
        for each in (accepted, made):
            each.setblocking(False)
        key = (TCP, address, sender_port, host.address, port)
        self._streams.append(Stream(accepted, made, partial(self._release_chunk, sender, host, key)))
        self._streams.append(Stream(made, accepted, partial(self._release_chunk, host, sender, key)))

    def _release_chunk(
        self,
        sender: Host,
        receiver: Host,
        flow: tuple[object, ...],
        chunk: bytes,
        write: Callable[[], object],
    ) -> None:
        self._release(sender, receiver, flow, len(chunk) + _TCP_OVERHEAD_BYTES, Traffic.TCP, write)

    def _release(
        self,
        sender: Host,
        receiver: Host,
        flow: tuple[object, ...],
        size_bytes: int,
        traffic: Traffic,
        deliver: Callable[[], object],
    ) -> None:
        direction = Direction.UP if receiver is self._far else Direction.DOWN
        near = sender if direction is Direction.UP else receiver
        found = self._dose.links.of(socket.inet_aton(near.address))
        if found is None:
            self.strangers += 1
            return
        now_s = self.at_s()
        meter = self._dose.meters[found[0]][direction]
        for due_s in found[1].way(direction).release(now_s, size_bytes, flow, traffic):
            self._number += 1
            heapq.heappush(self._waiting, (due_s, self._number, now_s, meter, deliver))

    def _is_over(self, stream: Stream) -> bool:
        """Whether both directions of a connection have ended; its sockets are closed then."""
        if not stream.over:
            return False
        if any(each.source is stream.sink and not each.over for each in self._streams):
            return False
        stream.source.close()
        stream.sink.close()
        return True


def _bound(kind: socket.SocketKind, host: Host, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
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
