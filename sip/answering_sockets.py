"""An answering side on sockets of this machine: UDP and TCP, or TLS, on one port, one loop."""

import contextlib
import errno
import os
import select
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from sip.answering import AnsweringSide, Local
from sip.answering_ears import Ears, Heard, Speaking
from sip.challenge import Challenge
from sip.errors import TrunkError
from sip.manner import Manner
from sip.message import Packet, Peer
from sip.seat import OneSeat, Seat, Voices
from sip.stream import FramingError, MessageStream

_PACKET_BYTES = 65_536
_PACKETS_A_TURN = 64  # then timers and connections have their turn
_BURST_BYTES = 1 << 20  # calls at one instant that the kernel keeps for us: as many as are answered within T1
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h: beyond net.core.rmem_max, for who may
_BACKLOG = 512
_PORT_TRIES = 20
_MOST_UNSENT_BYTES = 1 << 20  # a caller that does not read is no caller
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Connection:
    """A caller's connection, with what has come of its next message and what it has not taken yet."""

    __slots__ = ("peer", "received", "socket", "unsent")

    def __init__(self, accepted: socket.socket, peer: Peer) -> None:
        self.socket = accepted
        self.peer = peer
        self.received = MessageStream()
        self.unsent = b""


class AnsweringSockets:
    """Calls to `host` and `port`, any free one where that is 0, are answered while `serve` runs.

    They come over UDP and TCP; with `tls` connections are taken over TLS alone. Callers hear what
    `speaking` says, and nothing without it.

    From the start on the signals that end a program end `serve` instead, as does the end of the descriptor
    `until_end_of` where there is one.

    Raises:
        TrunkError: The address or the port cannot be had.
        PhoneError: There is to be a voice, and nothing to carry it.
    """

    def __init__(
        self,
        manner: Manner,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        challenge: Challenge | None = None,
        speaking: Speaking | None = None,
        until_end_of: int | None = None,
    ) -> None:
        with contextlib.ExitStack() as opened:
            try:
                self._udp, self._listener = _one_port(host, port)
                opened.enter_context(self._udp)
                opened.enter_context(self._listener)
                # Nobody reads it: the kernel drops what it has no room for.
                media = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                media.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                media.bind((host, 0))
            except OSError as error:
                raise TrunkError(
                    f"nothing can listen on {host}:{port}: {error.strerror}; --listen takes an address of "
                    "this machine and a free port, 0 for any"
                ) from error
            self._epoll = opened.enter_context(select.epoll())
            signalled = opened.enter_context(_signals())
            media_port = media.getsockname()[1]
            voices: Voices = OneSeat(media_port)
            self._ears: Ears | None = None
            if speaking is not None:
                ears = Ears(host, speaking, otherwise=Seat(None, media_port, media_port))
                voices = self._ears = opened.enter_context(ears)
            self._opened = opened.pop_all()
        self.port: int = self._udp.getsockname()[1]
        self._tls = tls
        local = Local(host, self.port, "tcp" if tls is None else "tls")
        self._side = AnsweringSide(manner, local, voices, secret=os.urandom(16), challenge=challenge)
        self._connections: dict[int, _Connection] = {}
        self._told = until_end_of
        self._ended = False
        self._read: dict[int, Callable[[], None]] = {
            self._udp.fileno(): self._receive_packets,
            self._listener.fileno(): self._accept,
            signalled: self._end,
        }
        if until_end_of is not None:
            self._read[until_end_of] = self._hear
        for descriptor in self._read:
            try:
                self._epoll.register(descriptor, select.EPOLLIN)
            except PermissionError:  # a file or /dev/null: nobody holds its other end
                self._end()
        self._watch_ears()

    @property
    def heard(self) -> Heard | None:
        """What was heard, whole once it has ended; None where nothing was to be."""
        return None if self._ears is None else self._ears.heard

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections.values():
            connection.socket.close()
        self._opened.close()

    def serve(self) -> None:
        """Answer until told to end."""
        while not self._ended:
            next_s = self._side.next_s
            wait_s = None if next_s is None else max(0.0, next_s - time.monotonic())
            for descriptor, mask in self._epoll.poll(wait_s):
                if read := self._read.get(descriptor):
                    read()
                elif connection := self._connections.get(descriptor):
                    self._serve_connection(connection, mask)
            self._send(self._side.run(time.monotonic()))

    def _end(self) -> None:
        self._ended = True

    def _hear(self) -> None:
        if self._told is None or not os.read(self._told, _PACKET_BYTES):
            self._end()

    def _watch_ears(self) -> None:
        if self._ears is not None:
            self._read[self._ears.fileno()] = self._read_ears
            self._epoll.register(self._ears, select.EPOLLIN)

    def _read_ears(self) -> None:
        if self._ears is None:
            return
        descriptor = self._ears.fileno()
        if self._ears.read():
            del self._read[descriptor]
            self._watch_ears()

    def _receive_packets(self) -> None:
        for _ in range(_PACKETS_A_TURN):
            try:
                data, (host, port) = self._udp.recvfrom(_PACKET_BYTES)
            except BlockingIOError:
                return
            except OSError:  # an earlier response came to a closed port
                continue
            self._send(self._side.receive(data, Peer(host, port), time.monotonic()))

    def _accept(self) -> None:
        try:
            accepted, (host, port) = self._listener.accept()
        except OSError as error:  # it is gone again; or no descriptor is left until another one is dropped
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._epoll.modify(self._listener, 0)
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:  # hands are shaken as its first bytes are read
            accepted = self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        descriptor = accepted.fileno()
        self._connections[descriptor] = _Connection(accepted, Peer(host, port, descriptor))
        self._epoll.register(descriptor, select.EPOLLIN)

    def _serve_connection(self, connection: _Connection, mask: int) -> None:
        try:
            if mask & select.EPOLLOUT:
                self._write(connection, b"")
            if mask & ~select.EPOLLOUT:
                self._receive_stream(connection)
        except (OSError, FramingError):
            self._drop(connection)

    def _receive_stream(self, connection: _Connection) -> None:
        try:
            chunk = connection.socket.recv(_PACKET_BYTES)
        except _NOT_NOW:  # half a TLS record; or ready was another one, whose descriptor this has now
            return
        if not chunk:
            raise ConnectionResetError
        for data in connection.received.feed(chunk):
            self._send(self._side.receive(data, connection.peer, time.monotonic()))

    def _write(self, connection: _Connection, data: bytes) -> None:
        waited = bool(connection.unsent)
        connection.unsent += data
        with contextlib.suppress(*_NOT_NOW):
            connection.unsent = connection.unsent[connection.socket.send(connection.unsent) :]
        if len(connection.unsent) > _MOST_UNSENT_BYTES:
            raise ConnectionResetError
        if waited != bool(connection.unsent):
            self._epoll.modify(connection.socket, select.EPOLLIN | (0 if waited else select.EPOLLOUT))

    def _drop(self, connection: _Connection) -> None:
        if self._connections.pop(connection.socket.fileno(), None) is not None:
            connection.socket.close()
            self._epoll.modify(self._listener, select.EPOLLIN)

    def _send(self, packets: list[Packet]) -> None:
        for data, to in packets:
            if to.connection is None:
                with contextlib.suppress(OSError):  # it is sent again where it matters
                    self._udp.sendto(data, (to.host, to.port))
            elif (connection := self._connections.get(to.connection)) and connection.peer == to:
                try:
                    self._write(connection, data)
                except OSError:
                    self._drop(connection)


def _one_port(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket on one port; any that is free for both where it is 0."""
    for attempt in range(_PORT_TRIES):
        with contextlib.ExitStack() as opened:
            udp = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BURST_BYTES)
            with contextlib.suppress(PermissionError):
                udp.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BURST_BYTES)
            udp.bind((host, port))
            listener = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(udp.getsockname())
            except OSError:
                if port != 0 or attempt == _PORT_TRIES - 1:
                    raise
                continue
            listener.listen(_BACKLOG)
            udp.setblocking(False)
            listener.setblocking(False)
            opened.pop_all()
            return udp, listener
    raise AssertionError("the last attempt raises")


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """A descriptor that can be read once a signal has said to end."""
    told, tells = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    previous = signal.set_wakeup_fd(tells)
    handlers = {number: signal.signal(number, lambda *_: None) for number in _ENDING}
    try:
        yield told
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(previous)
        os.close(told)
        os.close(tells)
