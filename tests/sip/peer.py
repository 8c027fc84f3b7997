"""A far end that plays scripts, one generator a call: what no well-behaved answering side would say."""

import heapq
import itertools
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sip.trunk import Trunk
from tests.sip.script import Behaviour, FarCall, Heard, Script, good

_NUMBER = re.compile(r"^To\s*:[^@]*sip:([^@;>]+)@", re.MULTILINE | re.IGNORECASE)
_LENGTH = re.compile(rb"^Content-Length\s*:\s*(\d+)", re.MULTILINE | re.IGNORECASE)


class Peer:
    """Plays `behaviours[number]` to each call of a number, `good` to all others."""

    def __init__(self, transport: str) -> None:
        self.behaviours: dict[str, Behaviour] = {}
        self.calls: dict[str, FarCall] = {}
        self.failures: list[BaseException] = []
        self.stray: list[Heard] = []
        self._transport = transport
        self._selector = selectors.DefaultSelector()
        self._scripts: dict[str, Script] = {}
        self._turns: dict[str, int] = {}
        self._timers: list[tuple[float, int, str]] = []
        self._numbers = itertools.count()
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        if transport == "tcp":
            self._socket.listen()
        self._buffers: dict[socket.socket, bytes] = {}
        self._closing, self._wake = socket.socketpair()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._closing, selectors.EVENT_READ)

    @property
    def trunk(self) -> Trunk:
        """What to call."""
        return Trunk.parse(f"sip:127.0.0.1:{self._socket.getsockname()[1]};transport={self._transport}")

    def of(self, number: str) -> FarCall:
        """The last call of a number."""
        return [call for call in self.calls.values() if _number(call.invite.text) == number][-1]

    def serve(self) -> None:
        """Play until `close`."""
        while True:
            left_s = self._timers[0][0] - time.monotonic() if self._timers else None
            for key, _ in self._selector.select(None if left_s is None else max(0.0, left_s)):
                if key.fileobj is self._closing:
                    return
                self._read(key.fileobj)  # type: ignore[arg-type]
            while self._timers and self._timers[0][0] <= time.monotonic():
                _, turn, name = heapq.heappop(self._timers)
                if self._turns.get(name) == turn:
                    self._turn(name, None)

    def close(self) -> None:
        """End `serve`."""
        self._wake.send(b".")

    def release(self) -> None:
        """Close all sockets, once nothing is served any more."""
        for call in self.calls.values():
            call.rtp.close()
        for one in (self._socket, self._closing, self._wake, *self._buffers):
            one.close()
        self._selector.close()

    def _read(self, one: socket.socket) -> None:
        if self._transport == "udp":
            data, source = one.recvfrom(65535)
            self._take(data, lambda reply: one.sendto(reply, source), lambda: None)
        elif one is self._socket:
            connection, _ = one.accept()
            self._buffers[connection] = b""
            self._selector.register(connection, selectors.EVENT_READ)
        else:
            data = one.recv(65535)
            self._buffers[one] += data
            if not data:
                self._shut(one)
            while data and (message := self._cut(one)):
                self._take(message, one.sendall, lambda: self._shut(one))

    def _cut(self, one: socket.socket) -> bytes | None:
        """The next whole message of a connection (RFC 3261 section 18.3)."""
        head, end, _ = self._buffers.get(one, b"").lstrip(b"\r\n").partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None:
            return None
        buffer = self._buffers[one].lstrip(b"\r\n")
        whole = len(head) + len(end) + int(length[1])
        if len(buffer) < whole:
            return None
        self._buffers[one] = buffer[whole:]
        return buffer[:whole]

    def _shut(self, one: socket.socket) -> None:
        if self._buffers.pop(one, None) is not None:
            self._selector.unregister(one)
            one.close()

    def _take(self, data: bytes, send: Callable[[bytes], object], shut: Callable[[], None]) -> None:
        heard = Heard(data.decode(), time.monotonic())
        name = heard.header("Call-ID")
        call = self.calls.get(name)
        if call is None and heard.method != "INVITE":
            self.stray.append(heard)
            return
        if call is None:
            rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            rtp.bind(("127.0.0.1", 0))
            rtp.setblocking(False)
            contact = f"sip:far@127.0.0.1:{self._socket.getsockname()[1]};transport={self._transport}"
            call = self.calls[name] = FarCall(heard, contact, rtp)
            self._scripts[name] = self.behaviours.get(_number(heard.text), good)(call)
        call.heard.append(heard)
        call.send, call.shut = send, shut
        self._turn(name, heard)

    def _turn(self, name: str, heard: Heard | None) -> None:
        """Let a script go on to its next wait."""
        script = self._scripts.get(name)
        if script is None:
            return
        turn = self._turns[name] = next(self._numbers)
        try:
            wait = next(script) if heard is self.calls[name].invite else script.send(heard)
        except StopIteration:
            del self._scripts[name]
        except Exception as failure:
            self.failures.append(failure)
            del self._scripts[name]
        else:
            if wait is not None:
                heapq.heappush(self._timers, (time.monotonic() + wait, turn, name))


def _number(text: str) -> str:
    found = _NUMBER.search(text)
    return found[1] if found else ""


@contextmanager
def playing(transport: str = "udp") -> Iterator[Peer]:
    """A far end that plays while the block runs; a script that fails fails the block."""
    peer = Peer(transport)
    thread = threading.Thread(target=peer.serve)
    thread.start()
    try:
        yield peer
    finally:
        peer.close()
        thread.join()
        peer.release()
    assert peer.failures == []
