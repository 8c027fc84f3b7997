"""A SIP caller of plain sockets: what it sends is what a test writes down."""

import select
import socket
import time
import uuid
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Message:
    """A SIP message off the wire, with the time it was read."""

    at_s: float
    start: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Split a datagram; nothing of it is judged."""
        head, _, body = data.decode().partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name, value.strip()) for name, _, value in pairs)
        return cls(time.monotonic(), start, headers, body)

    @property
    def status(self) -> int:
        """Status of a response, 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/") else 0

    @property
    def names(self) -> list[str]:
        """The names of the headers in the order of the wire."""
        return [name for name, _ in self.headers]

    def __getitem__(self, name: str) -> str:
        return next(value for other, value in self.headers if other == name)


class Caller:
    """One call from one UDP socket, and one more for its RTP."""

    def __init__(self, trunk_port: int, number: str, user: str = "") -> None:
        self._trunk = ("127.0.0.1", trunk_port)
        self.sip = _udp_socket()
        self.rtp = _udp_socket()
        self.number = number
        self.user = user or f"caller{uuid.uuid4().hex[:6]}"
        self.call_id = uuid.uuid4().hex
        self.tag = uuid.uuid4().hex[:8]
        self.to_tag = ""
        self.media = ("", 0)
        self._invite_branch = ""

    def offer(self, formats: str = "0 8", *lines: str, proto: str = "RTP/AVP") -> str:
        """An SDP offer of these payload types, with more lines after m= if given."""
        port = self.rtp.getsockname()[1]
        session = ("v=0", "o=- 7700 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0")
        return "".join(f"{line}\r\n" for line in (*session, f"m=audio {port} {proto} {formats}", *lines))

    def request(
        self,
        method: str,
        *extra: str,
        body: str = "",
        cseq: int = 1,
        branch: str = "",
        to_tag: str | None = None,
    ) -> bytes:
        """A request of this call; in a new transaction unless it is a CANCEL or a branch is given."""
        if method == "CANCEL":
            branch, to_tag = branch or self._invite_branch, ""
        branch = branch or f"z9hG4bK{uuid.uuid4().hex}"
        if method == "INVITE":
            self._invite_branch = branch
        told = self.to_tag if to_tag is None else to_tag
        port = self.sip.getsockname()[1]
        lines = (
            f"{method} sip:{self.number}@127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch={branch}",
            "Max-Forwards: 70",
            f"From: <sip:{self.user}@caller.example>;tag={self.tag}",
            f"To: <sip:{self.number}@127.0.0.1>" + (f";tag={told}" if told else ""),
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{self.user}@127.0.0.1:{port}>",
            *extra,
            f"Content-Length: {len(body)}",
            "",
            body,
        )
        return "\r\n".join(lines).encode()

    def send(self, data: bytes) -> float:
        """Send a datagram to the trunk and say when."""
        at_s = time.monotonic()
        self.sip.sendto(data, self._trunk)
        return at_s

    def invite(
        self, *extra: str, offer: str | None = None, cseq: int = 1, to_tag: str | None = None
    ) -> float:
        """Send an INVITE with an SDP offer."""
        body = self.offer() if offer is None else offer
        kind = "Content-Type: application/sdp"
        return self.send(self.request("INVITE", kind, *extra, body=body, cseq=cseq, to_tag=to_tag))

    def receive(self, *, timeout_s: float = 10.0) -> Message:
        """The next message from the trunk."""
        if not select.select([self.sip], [], [], max(timeout_s, 0))[0]:
            raise AssertionError(f"nothing arrived within {timeout_s:.1f} s")
        return self._heard(self.sip.recv(65536))

    def _heard(self, data: bytes) -> Message:
        message = Message.read(data)
        if message.status and ";tag=SCL_" in message["To"]:
            self.to_tag = message["To"].partition(";tag=")[2]
        return message

    def until(self, status: int, *, timeout_s: float = 10.0) -> Message:
        """The first response with this status, provisional ones before it being passed over."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            message = self.receive(timeout_s=deadline_s - time.monotonic())
            if message.status == status:
                return message
            assert message.status in (100, 180), message.start

    def asked(self, *, timeout_s: float = 10.0) -> Message:
        """The first request from the trunk; repeats of a 200 whose ACK was slow are passed over."""
        deadline_s = time.monotonic() + timeout_s
        while (message := self.receive(timeout_s=deadline_s - time.monotonic())).status == 200:
            pass
        return message

    def answered(self) -> Message:
        """The 200 to the INVITE, which is acknowledged."""
        ok = self.until(200)
        line = next(line for line in ok.body.split("\r\n") if line.startswith("m=audio"))
        self.media = ("127.0.0.1", int(line.split()[1]))
        self.acknowledge()
        return ok

    def acknowledge(self) -> None:
        """Send the ACK of a 200."""
        self.send(self.request("ACK"))

    def hang_up(self) -> Message:
        """Send a BYE and return what comes back."""
        self.send(self.request("BYE", cseq=2))
        return self.receive()

    def is_left_alone_for(self, seconds: float) -> bool:
        """Whether no SIP message arrives for that long."""
        return not select.select([self.sip], [], [], seconds)[0]

    def hear(self, *, timeout_s: float = 5.0) -> bytes:
        """The next RTP packet."""
        if not select.select([self.rtp], [], [], timeout_s)[0]:
            raise AssertionError(f"no RTP arrived within {timeout_s:.1f} s")
        return self.rtp.recv(2048)

    def close(self) -> None:
        """Close both sockets."""
        self.sip.close()
        self.rtp.close()


class TcpCaller(Caller):
    """A call over a TCP connection of its own."""

    def __init__(self, trunk_port: int, number: str, user: str = "") -> None:
        super().__init__(trunk_port, number, user)
        self.sip.close()
        self.sip = socket.create_connection(self._trunk, timeout=5)
        self._read = b""

    def send(self, data: bytes) -> float:
        """Send a message on the connection and say when."""
        at_s = time.monotonic()
        self.sip.sendall(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
        return at_s

    def receive(self, *, timeout_s: float = 10.0) -> Message:
        """The next message from the trunk."""
        while True:
            head, end, rest = self._read.partition(b"\r\n\r\n")
            if end:
                length = int(Message.read(head)["Content-Length"])
                if len(rest) >= length:
                    self._read = rest[length:]
                    return self._heard(head + end + rest[:length])
            if not select.select([self.sip], [], [], max(timeout_s, 0))[0]:
                raise AssertionError(f"nothing arrived within {timeout_s:.1f} s")
            self._read += self.sip.recv(65536)


def _udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return made
