"""What a far end may say in a call, as its script words it."""

import contextlib
import itertools
import re
import socket
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

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
    yield from call.speak(0.4)
    yield from call.let_go()
