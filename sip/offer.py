"""The SDP with which a call's offer is answered (RFC 3264, RFC 4566): G.711, and digits where offered."""

from collections.abc import Iterable

from sip import sdp

# Section 6.1: what one side only sends the other only receives.
_MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive", "sendrecv": "sendrecv"}
_OWN = (
    "RTP/AVP 0 8 101",
    ("a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000"),
)


def fits(offer: bytes) -> bool:
    """Whether there is an answer."""
    return answer(offer, "", 0, 0) is not None


def answer(offer: bytes, host: str, port: int, rtcp_port: int) -> bytes | None:
    """What to say to an offer, or an offer of our own where there is none; None where nothing in it fits.

    Media goes to `port` of `host`, its reports to `rtcp_port`. The first audio stream that fits is taken,
    every other stream declined; of its codecs the first one that is G.711.
    """
    if not offer.strip():
        return _written(host, [f"m=audio {port} {_OWN[0]}", *_OWN[1], f"a=rtcp:{rtcp_port}", "a=sendrecv"])
    session, *streams = sdp.sections(offer.decode("latin-1"))
    lines: list[str] = []
    taken = False
    for stream in streams:
        media = sdp.MEDIA.match(stream)
        if media is None:
            return None
        kind, offered_port, protocol, formats = media.groups()
        chosen = []
        if not taken and kind == "audio" and offered_port != "0" and protocol in sdp.PLAIN:
            chosen = _chosen(formats.split(), stream)
        if not chosen:
            lines.append(f"m={kind} 0 {protocol} {formats}")  # section 6: declined
            continue
        taken = True
        lines.append(f"m=audio {port} {protocol} {' '.join(number for number, _ in chosen)}")
        lines += [f"a=rtpmap:{number} {codec}" for number, codec in chosen]
        lines += [f"a=fmtp:{number} 0-16" for number, codec in chosen if codec == sdp.DIGITS]
        lines += ["a=ptime:20", f"a=rtcp:{rtcp_port}", f"a={_MIRROR[sdp.direction(session, stream)]}"]
    return _written(host, lines) if taken else None


def _chosen(formats: Iterable[str], stream: str) -> list[tuple[str, str]]:
    """The payload types that are taken, each with its codec as it is written; none where none is G.711."""
    codecs = sdp.codecs_of(stream)
    offered = [(number, codecs[number]) for number in formats if number in codecs]
    voice = [one for one in offered if one[1] in sdp.STATIC.values()][:1]
    digits = [one for one in offered if one[1] == sdp.DIGITS][:1]
    return [*((number, codec.upper()) for number, codec in voice), *digits] if voice else []


def _written(host: str, lines: Iterable[str]) -> bytes:
    head = ("v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0")
    return ("\r\n".join((*head, *lines)) + "\r\n").encode("latin-1")
