"""A measurement from end to end: voice-like packets through a leg, both ways, each held against the model."""

import itertools
import math
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from types import TracebackType
from typing import NamedTuple, Self

from network.errors import WireError
from network.ledger import Course, Ledger, Passage
from network.leg import Links
from network.namespace import Namespace
from network.packet import UDP
from network.profile import Direction
from network.trace import VOICE_BYTES, VOICE_EVERY_S

PORT = 40000  # of the far end; each flow's near end has the next one
_HEADER = struct.Struct("!BBHII")  # RTP: version, payload type, sequence number, timestamp, source
_NUMBER = struct.Struct("!Q")
_LAST_LOOKS_S = 0.1  # while the last packets are waited for
_RECEIVE_BYTES = 1 << 20
_OVERHEAD_BYTES = 28  # IP and UDP
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the kernel's time of arrival, of the clock of the day
_STAMP = struct.Struct("@qq")


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a measurement goes from and to: a flow for each near address.

    Without a namespace an end is where this process is. The other side is spoken to by its alias.
    """

    near: Namespace | None
    far: Namespace | None
    near_addresses: Sequence[IPv4Address]
    far_address: IPv4Address
    near_aliases: Sequence[str]
    far_alias: str


class Departure(NamedTuple):
    """A packet to be sent, so long after the first."""

    after_s: float
    flow: int
    direction: Direction


def departures(flows: int, *, every_s: float, for_s: float) -> Iterator[Departure]:
    """The packets of so long (perhaps endless) in their order: each flow's evenly spaced, the flows' spread.

    How many there are does not depend on when they begin: no time is added up.
    """
    steps = itertools.count() if math.isinf(for_s) else range(max(round(for_s / every_s), 1))
    for step in steps:
        for flow, direction in itertools.product(range(flows), Direction):
            yield Departure(every_s * (step + flow / flows), flow, direction)


class Probe:
    """Sockets at both ends of a leg, and the packets between them.

    It moves this process, of one thread, through the namespaces to make its sockets, and leaves it at the far
    end. `began_s` is when the run began by the monotonic clock.
    """

    def __init__(
        self, ends: Ends, links: Links, *, began_s: float, every_s: float = VOICE_EVERY_S, port: int = PORT
    ) -> None:
        self._ledger = Ledger(links)
        self._began_s = began_s
        self._every_s = every_s
        self._unix_began_s = time.time() - (time.monotonic() - began_s)
        self._number = 0
        if ends.near is not None:
            ends.near.enter()
        self._near = [
            _socket(address, port + number) for number, address in enumerate(ends.near_addresses, start=1)
        ]
        if ends.far is not None:
            ends.far.enter()
        self._far = _socket(ends.far_address, port)
        self._flows = [
            _flow(number, each, alias, self._far, ends.far_alias)
            for number, (each, alias) in enumerate(zip(self._near, ends.near_aliases, strict=True))
        ]

    def run(self, for_s: float, stopped: Callable[[], bool] = lambda: False) -> Iterator[list[Passage]]:
        """Send for so long; each second hand out the packets of which all is known, until there are no more.

        `stopped` is asked each second whether to end sooner.
        """
        begin_s = time.monotonic()
        rest = departures(len(self._near), every_s=self._every_s, for_s=for_s)
        due, settle_s = next(rest, None), begin_s + 1.0
        while due or self._ledger.waiting:
            now_s = time.monotonic()
            while due and begin_s + due.after_s <= now_s:
                self._send(due.flow, due.direction)
                due = next(rest, None)
            if now_s >= settle_s:
                yield list(self._ledger.settle(now_s - self._began_s))
                settle_s += 1.0 if due else _LAST_LOOKS_S
                if stopped():
                    return
            wake_s = min(begin_s + due.after_s, settle_s) if due else settle_s
            readable, _, _ = select.select(
                [*self._near, self._far], (), (), max(wake_s - time.monotonic(), 0.0)
            )
            for each in readable:
                self._receive(each)

    def close(self) -> None:
        """Close the sockets."""
        for each in (*self._near, self._far):
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, flow: int, direction: Direction) -> None:
        number, one = self._number, self._flows[flow]
        self._number += 1
        header = _HEADER.pack(0x80, 0, number & 0xFFFF, number & 0xFFFFFFFF, flow)
        payload = (header + _NUMBER.pack(number)).ljust(VOICE_BYTES - _OVERHEAD_BYTES, b"\xff")
        source, target = (self._near[flow], one.far) if direction is Direction.UP else (self._far, one.near)
        at_s = time.monotonic() - self._began_s
        source.sendto(payload, target)
        self._ledger.sent(number, at_s, one.courses[direction])

    def _receive(self, receiver: socket.socket) -> None:
        while True:
            try:
                payload, ancillary, _, _ = receiver.recvmsg(2048, 64)
            except BlockingIOError:
                return
            (number,) = _NUMBER.unpack_from(payload, _HEADER.size)
            seconds, nanoseconds = _STAMP.unpack(ancillary[0][2])
            self._ledger.arrived(number, seconds - self._unix_began_s + nanoseconds * 1e-9)


@dataclass(frozen=True, slots=True)
class _Flow:
    near: tuple[str, int]
    far: tuple[str, int]
    courses: Mapping[Direction, Course]


def _flow(
    number: int, near_socket: socket.socket, near_alias: str, far_socket: socket.socket, far_alias: str
) -> _Flow:
    near, far = near_socket.getsockname(), far_socket.getsockname()
    near_bytes, far_bytes = socket.inet_aton(near[0]), socket.inet_aton(far[0])
    keys = {
        Direction.UP: near_bytes + far_bytes + struct.pack("!HH", near[1], far[1]),
        Direction.DOWN: far_bytes + near_bytes + struct.pack("!HH", far[1], near[1]),
    }
    courses = {way: Course(way, number, near_bytes, (UDP, key), VOICE_BYTES) for way, key in keys.items()}
    return _Flow((near_alias, near[1]), (far_alias, far[1]), courses)


def _socket(address: IPv4Address, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((str(address), port))
    except OSError as error:
        made.close()
        raise WireError(f"{address} port {port} cannot be measured from: {error.strerror}") from None
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    made.setblocking(False)
    return made
