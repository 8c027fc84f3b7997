"""TCP through the relay: each connection to a host's alias is met with one to the host."""

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from network.packet import TCP
from network.stream import Stream

_OVERHEAD_BYTES = 52  # IP and TCP with timestamps

Sending = Callable[[tuple[object, ...], int, Callable[[], object]], None]
"""What is given the flow of a chunk, its size with headers, and what to call when it is due."""


class Connections:
    """The streams of a relay, whose sockets are watched by its epoll.

    `meet` says of a peer's address and the alias that it called the alias that it is known by and what takes
    its chunks there and back; None for a stranger.
    """

    def __init__(
        self,
        epoll: select.epoll,
        meet: Callable[[str, str], tuple[str, Sending, Sending] | None],
    ) -> None:
        self._epoll = epoll
        self._meet = meet
        self._listeners: dict[int, tuple[socket.socket, str, int]] = {}
        self._streams: list[Stream] = []
        self._watched: dict[int, int] = {}  # the streams' sockets, with what they are watched for

    def listen(self, listener: socket.socket, address: str, port: int) -> None:
        """Take the connections to a socket on to a host's address and port."""
        listener.listen()
        self._listeners[listener.fileno()] = (listener, address, port)
        self._epoll.register(listener, select.EPOLLIN)

    def take(self, descriptor: int, events: int) -> bool:
        """Do what can be done with a socket now; False for a connection of a stranger's."""
        if (listener := self._listeners.get(descriptor)) is not None:
            return self._accept(*listener)
        for stream in self._streams:
            if stream.source.fileno() == descriptor and events & ~select.EPOLLOUT and stream.wants_to_read:
                stream.read()
            if stream.sink.fileno() == descriptor and events & ~select.EPOLLIN and stream.wants_to_write:
                stream.flush()
        return True

    def watch(self) -> None:
        """Watch the sockets of streams for what these wait for now, and close those that are over."""
        if not self._streams and not self._watched:
            return
        self._streams = [each for each in self._streams if not self._is_over(each)]
        wanted: dict[int, int] = {}
        for each in self._streams:
            if each.wants_to_read:
                wanted[each.source.fileno()] = wanted.get(each.source.fileno(), 0) | select.EPOLLIN
            if each.wants_to_write:
                wanted[each.sink.fileno()] = wanted.get(each.sink.fileno(), 0) | select.EPOLLOUT
        for descriptor in self._watched.keys() - wanted.keys():
            with suppress(OSError):  # it was closed, which has ended this as well
                self._epoll.unregister(descriptor)
        for descriptor, events in wanted.items():
            if descriptor not in self._watched:
                self._epoll.register(descriptor, events)
            elif self._watched[descriptor] != events:
                self._epoll.modify(descriptor, events)
        self._watched = wanted

    def _accept(self, listener: socket.socket, address: str, port: int) -> bool:
        try:
            accepted, (peer, peer_port) = listener.accept()
        except OSError:
            return True
        met = self._meet(peer, listener.getsockname()[0])
        if met is None:
            accepted.close()
            return False
        alias, there, back = met
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for each in (accepted, made):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            made.bind((alias, 0))
            made.connect((address, port))  # at once on loopback: done, or refused
        except OSError:
            accepted.close()
            made.close()
            return True
        for each in (accepted, made):
            each.setblocking(False)
        flow = (TCP, peer, peer_port, address, port)
        self._streams.append(Stream(accepted, made, partial(_release, there, flow)))
        self._streams.append(Stream(made, accepted, partial(_release, back, flow)))
        return True

    def _is_over(self, stream: Stream) -> bool:
        """Whether both directions of a connection have ended; its sockets are closed then."""
        if not stream.over:
            return False
        if any(each.source is stream.sink and not each.over for each in self._streams):
            return False
        stream.source.close()
        stream.sink.close()
        return True


def _release(sending: Sending, flow: tuple[object, ...], chunk: bytes, write: Callable[[], object]) -> None:
    sending(flow, len(chunk) + _OVERHEAD_BYTES, write)
