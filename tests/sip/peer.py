"""A far end that plays scripts, one generator a call: what no well-behaved answering side would say."""

import contextlib
import heapq
import itertools
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sip.trunk import Trunk

_NUMBER = re.compile(r"^To\s*:[^@]*sip:([^@;>]+)@", re.MULTILINE | re.IGNORECASE)
_LENGTH = re.compile(rb"^Content-Length\s*:\s*(\d+)", re.MULTILINE | re.IGNORECASE)
Wait = float | None


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the caller, and the CLOCK_MONOTONIC second in which it was read."""

    text: str
    at_s: float

    @property
    def method(self) -> str:
        """What is asked for, or `SIP/2.0` of a response."""
        return self.text.split(" ", 1)[0]

    @property
    def status(self) -> int | None:
        """The status of a response."""
        return int(self.text.split(" ", 2)[1]) if self.method == "SIP/2.0" else None

    def header(self, name: str) -> str:
        """The value of the first header of that name."""
        found = re.search(rf"^{name}\s*:\s*(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else ""


Script = Generator[Wait, Heard | None, None]
Behaviour = Callable[["FarCall"], Script]


@dataclass
class FarCall:
    """One call as its script sees it, which begins with the INVITE.

    `heard = yield seconds` waits for the caller's next message, or so long: then it is None.
    """

    invite: Heard
    contact: str
    rtp: socket.socket
    send: Callable[[bytes], object] = print  # to where the last message came from
    shut: Callable[[], object] = print  # the connection that it came on
    heard: list[Heard] = field(default_factory=list)
    sequence: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    def methods(self) -> list[str]:
        """What came, in order: methods, and the statuses of responses."""
        return [str(each.status or each.method) for each in self.heard]

    def sdp(self, *, direction: str = "sendrecv", formats: str = "0 101", version: int = 1) -> str:
        """A description of the script's own RTP socket."""
        names = {"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000", "18": "G729/8000"}
        names["101"] = "telephone-event/8000"
        maps = "".join(f"a=rtpmap:{one} {names[one]}\r\n" for one in formats.split())
        return (
            f"v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self.rtp.getsockname()[1]} RTP/AVP {formats}\r\n{maps}a={direction}\r\n"
        )

    def response(
        self,
        status: int,
        body: str = "",
        *,
        to: Heard | None = None,
        tag: str = "far",
        reason: str = "Because",
        more: str = "",
        kind: str = "application/sdp",
    ) -> bytes:
        """A response to a request, by default to the INVITE; `more` are further header lines."""
        request = to or self.invite
        vias = "".join(
            f"Via: {via}\r\n" for via in re.findall(r"^Via: (.*?)\r?$", request.text, re.MULTILINE)
        )
        to_line = request.header("To")
        if status > 100 and "tag=" not in to_line:
            to_line += f";tag={tag}"
        kind_line = f"Content-Type: {kind}\r\n" if body else ""
        return (
            f"SIP/2.0 {status} {reason}\r\n{vias}From: {request.header('From')}\r\nTo: {to_line}\r\n"
            f"Call-ID: {request.header('Call-ID')}\r\nCSeq: {request.header('CSeq')}\r\n"
            f"Contact: <{self.contact}>\r\n{more}{kind_line}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def reply(self, status: int, body: str = "", **how: object) -> None:
        """Send a response."""
        self.send(self.response(status, body, **how))  # type: ignore[arg-type]

    def answer(self) -> None:
        """Ring, and answer with the script's RTP socket."""
        self.reply(180)
        self.reply(200, self.sdp())

    def request(self, method: str, body: str = "", *, more: str = "") -> None:
        """Send a request within the call."""
        number = next(self.sequence)
        uri = self.invite.header("Contact").strip("<>").partition(">")[0]
        transport = self.invite.header("Via").split()[0]
        kind_line = "Content-Type: application/sdp\r\n" if body else ""
        where = self.contact.partition("@")[2].partition(";")[0]
        caller, number_called = self.invite.header("From"), self.invite.header("To")
        self.send(
            (
                f"{method} {uri} SIP/2.0\r\nMax-Forwards: 70\r\n"
                f"Via: {transport} {where};rport;branch=z9hG4bK{number}-{id(self)}\r\n"
                f"From: {number_called};tag=far\r\nTo: {caller}\r\n"
                f"Call-ID: {self.invite.header('Call-ID')}\r\nCSeq: {number} {method}\r\n"
                f"Contact: <{self.contact}>\r\n{more}{kind_line}Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()
        )

    def acknowledge(self, response: Heard) -> None:
        """ACK the 200 to an INVITE of the script's own (RFC 3261 section 13.2.2.4)."""
        self.sequence = itertools.chain([int(response.header("CSeq").split()[0])], self.sequence)
        self.request("ACK")

    def until(self, *wanted: str) -> Generator[Wait, Heard | None, Heard]:
        """Wait for one of these methods or statuses, whatever else comes before."""
        while True:
            heard = yield None
            if heard is not None and (heard.method in wanted or str(heard.status) in wanted):
                return heard

    def pause(self, seconds: float) -> Script:
        """Let time pass, whatever comes."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            yield left_s

    def speak(self, seconds: float) -> Script:
        """Send a loud tone to where the caller's INVITE wants it, 50 packets a second."""
        found = re.search(r"m=audio (\d+)", self.invite.text)
        assert found is not None
        for number in range(round(seconds * 50)):
            head = bytes([0x80, 0, *number.to_bytes(2), *(160 * number).to_bytes(4), 0, 0, 0, 7])
            self.rtp.sendto(head + (b"\x10" * 8 + b"\x90" * 8) * 10, ("127.0.0.1", int(found[1])))
            yield from self.pause(0.02)

    def let_go(self) -> Script:
        """Do as a good far end does until the caller has gone: CANCEL and BYE are answered."""
        while True:
            heard = yield None
            if heard is not None and heard.method in ("BYE", "CANCEL"):
                self.reply(200, to=heard)
                if heard.method == "CANCEL":
                    self.reply(487)

    def packets(self) -> list[bytes]:
        """All RTP that came since the last look."""
        came = []
        with contextlib.suppress(BlockingIOError):
            while True:
                came.append(self.rtp.recv(2048))
        return came


def good(call: FarCall) -> Script:
    """A far end that rings, answers, speaks and lets go."""
    call.answer()
    yield from call.until("ACK")
    yield from call.speak(0.1)
    yield from call.let_go()


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
