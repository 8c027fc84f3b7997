"""Session descriptions of the media path (JSEP, RFC 9429): the offer this side makes, the answer it gets."""

import ipaddress
from dataclasses import dataclass

from lab.trunk.sockets import HOST

OPUS = 111
"""Payload type of Opus, the only codec offered: with RED left out the server sends plain Opus."""
SPEAKING_MID = "0"
"""The section that carries the caller's voice; the room's voices take it too, and those after it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What this side offers: the caller's voice, and room to listen to `sections` voices."""

    user: str
    password: str
    fingerprint: str
    port: int
    stream: str
    track: str
    ssrc: int
    sections: int
    version: int

    def __str__(self) -> str:
        bundle = " ".join(str(mid) for mid in range(self.sections))
        head = (
            "v=0",
            f"o=- {self.ssrc} {self.version} IN IP4 {HOST}",
            "s=-",
            "t=0 0",
            f"a=group:BUNDLE {bundle}",
            "a=msid-semantic: WMS *",
        )
        sections = (line for mid in range(self.sections) for line in self._section(str(mid)))
        return "".join(f"{line}\r\n" for line in (*head, *sections))

    def _section(self, mid: str) -> tuple[str, ...]:
        speaking: tuple[str, ...] = ()
        if mid == SPEAKING_MID:
            speaking = (
                f"a=msid:{self.stream} {self.track}",
                f"a=ssrc:{self.ssrc} cname:{self.track}",
            )
        return (
            f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}",
            "c=IN IP4 0.0.0.0",
            f"a=candidate:1 1 udp 2130706431 {HOST} {self.port} typ host",
            "a=end-of-candidates",
            f"a=ice-ufrag:{self.user}",
            f"a=ice-pwd:{self.password}",
            f"a=fingerprint:{self.fingerprint}",
            "a=setup:actpass",
            f"a=mid:{mid}",
            "a=sendrecv" if mid == SPEAKING_MID else "a=recvonly",
            "a=rtcp-mux",
            f"a=rtpmap:{OPUS} opus/48000/2",
            f"a=fmtp:{OPUS} minptime=10;useinbandfec=0",
            *speaking,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered."""

    user: str
    password: str
    fingerprint: str
    server_is_active: bool
    """Whether the server begins the DTLS handshake."""
    candidates: tuple[tuple[str, int], ...]
    sources: dict[int, str]
    """The mid in which each RTP source of the server is heard."""


def read_answer(sdp: str) -> Answer:
    """Read the server's answer.

    Raises:
        ValueError: It says nothing of how the server is reached.
    """
    about: dict[str, str] = {}
    candidates: list[tuple[str, int]] = []
    sources: dict[int, str] = {}
    heard: list[tuple[str, list[int]]] = []
    for line in sdp.splitlines():
        name, _, value = line.removeprefix("a=").partition(":")
        if line.startswith("m="):
            about.pop("mid", None)
            heard.append(("", []))
        elif name in ("ice-ufrag", "ice-pwd", "fingerprint", "setup"):
            about.setdefault(name, value)
        elif name == "candidate":
            candidate = read_candidate(value)
            if candidate is not None and candidate not in candidates:
                candidates.append(candidate)
        elif name == "mid":
            heard[-1] = (value, heard[-1][1])
        elif name == "ssrc":
            heard[-1][1].append(int(value.split()[0]))
    for mid, ssrcs in heard:
        sources |= dict.fromkeys(ssrcs, mid)
    try:
        return Answer(
            user=about["ice-ufrag"],
            password=about["ice-pwd"],
            fingerprint=about["fingerprint"],
            server_is_active=about["setup"] == "active",
            candidates=tuple(candidates),
            sources=sources,
        )
    except KeyError as error:
        raise ValueError(f"the server's answer has no {error.args[0]}") from error


def read_candidate(text: str) -> tuple[str, int] | None:
    """Address and port of a candidate attribute (RFC 8839 5.1); None unless it is UDP over IPv4."""
    fields = text.removeprefix("candidate:").split()
    if len(fields) < 8 or fields[1] != "1" or fields[2].lower() != "udp":
        return None
    try:
        return str(ipaddress.IPv4Address(fields[4])), int(fields[5])
    except ValueError:
        return None
