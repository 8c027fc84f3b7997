"""A caller without a socket: the requests of its calls, and what it reads in the responses."""

import itertools
from dataclasses import dataclass, field

from sip.answering import AnsweringSide, Local
from sip.challenge import Challenge
from sip.manner import Manner
from sip.message import Packet, Peer
from sip.seat import OneSeat, Voices

HERE = Peer("127.0.0.1", 5099)
OVER_TCP = Peer("127.0.0.1", 5098, connection=7)
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def request(
    method: str,
    call: int = 1,
    *,
    cseq: int = 1,
    branch: str = "invite",
    to_tag: str = "",
    body: str = "",
    more: str = "",
    cseq_method: str = "",
) -> bytes:
    """A request of call number `call`; `more` are further header lines."""
    tag = f";tag={to_tag}" if to_tag else ""
    return (
        f"{method} sip:100@127.0.0.1:5060 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bK{call}-{branch}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:caller@127.0.0.1>;tag=from{call}\r\n"
        f"To: <sip:100@127.0.0.1:5060>{tag}\r\nCall-ID: call-{call}\r\n"
        f"CSeq: {cseq} {cseq_method or method}\r\n"
        f"Contact: <sip:caller@127.0.0.1:5099>\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def status(packet: Packet) -> int:
    """The status of a response."""
    return int(packet.data.split()[1])


def header(packet: Packet, name: str) -> list[str]:
    """The values of a header, one for each line."""
    lines = packet.data.decode().partition("\r\n\r\n")[0].split("\r\n")[1:]
    return [line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")]


def tag_of(packet: Packet) -> str:
    """The tag in its To."""
    return header(packet, "To")[0].partition(";tag=")[2]


@dataclass
class Exchange:
    """An answering side and the clock that its callers share."""

    manner: Manner = field(default_factory=Manner)
    peer: Peer = HERE
    now_s: float = 0.0
    challenge: Challenge | None = None
    voices: Voices = field(default_factory=lambda: OneSeat(6000))

    def __post_init__(self) -> None:
        self.side = AnsweringSide(
            self.manner,
            Local("127.0.0.1", 5060),
            self.voices,
            secret=b"secret",
            challenge=self.challenge,
        )

    def send(self, packet: bytes) -> list[Packet]:
        """What comes back at once."""
        return self.side.receive(packet, self.peer, self.now_s) + self.side.run(self.now_s)

    def invite(self, call: int = 1, **how: str) -> list[Packet]:
        """Call, with an offer."""
        return self.send(request("INVITE", call, body=OFFER, **how))  # type: ignore[arg-type]

    def until(self, end_s: float) -> list[tuple[float, Packet]]:
        """All that comes by itself by a time, each with the time at which it does."""
        came: list[tuple[float, Packet]] = []
        while (due_s := self.side.next_s) is not None and due_s <= end_s:
            came += zip(itertools.repeat(due_s), self.side.run(due_s))
        self.now_s = end_s
        return came

    def answered(self, call: int = 1) -> str:
        """Call, wait for the 200 and acknowledge it; the tag of the called side."""
        self.invite(call)
        [(_, accepted)] = self.until(self.now_s + self.manner.ring_s)
        tag = tag_of(accepted)
        assert self.send(request("ACK", call, branch="ack", to_tag=tag)) == []
        return tag
