"""Both sides' session descriptions of a call whose voice another process carries (RFC 4566, RFC 3264)."""

import re

import msgspec

STATIC = {"0": "pcmu/8000", "8": "pcma/8000"}  # RFC 3551 section 6: known without an rtpmap
PLAIN = ("RTP/AVP", "RTP/AVPF")  # neither encrypted nor anything else
DIGITS = "telephone-event/8000"
MEDIA = re.compile(r"m=(\w+) (\d+)(?:/\d+)? (\S+) (.+)")
_MAP = re.compile(r"^a=rtpmap:(\d+)\s+([^\s/]+/\d+)", re.MULTILINE)
_CONNECTION = re.compile(r"^c=IN IP4 (\S+?)(?:/\d+)*\s*$", re.MULTILINE)
_RTCP = re.compile(r"^a=rtcp:(\d+)", re.MULTILINE)
_DIRECTION = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", re.MULTILINE)


class FarMedia(msgspec.Struct, frozen=True, array_like=True):
    """What the far end says of its side of the voice.

    `payload_type` is the first G.711 one of those that it takes, `digits_payload_type` that of RFC 4733 or
    None. `hears` and `speaks` say which ways are open (RFC 3264 section 6.1).
    """

    host: str
    port: int
    rtcp_port: int
    payload_type: int
    digits_payload_type: int | None
    hears: bool
    speaks: bool


def read(description: str) -> FarMedia | None:
    """The far end's first audio stream that is not declined; None where none is G.711."""
    session, *streams = sections(description)
    for stream in streams:
        media = MEDIA.match(stream)
        if media is None or media[1] != "audio" or media[2] == "0" or media[3] not in PLAIN:
            continue
        codecs = codecs_of(stream)
        numbers = media[4].split()
        voice = next((number for number in numbers if number in STATIC), None)
        connection = _CONNECTION.search(stream) or _CONNECTION.search(session)
        if voice is None or connection is None:
            continue
        digits = next((number for number in numbers if codecs.get(number) == DIGITS), None)
        port = int(media[2])
        rtcp = _RTCP.search(stream)
        way = direction(session, stream)
        held = connection[1] == "0.0.0.0"  # noqa: S104 - how RFC 2543 put a call on hold
        return FarMedia(
            host=connection[1],
            port=port,
            rtcp_port=int(rtcp[1]) if rtcp else port + 1,
            payload_type=int(voice),
            digits_payload_type=int(digits) if digits else None,
            hears=way in ("sendrecv", "recvonly") and not held,
            speaks=way in ("sendrecv", "sendonly"),
        )
    return None


def announce(description: str, port: int, rtcp_port: int) -> str:
    """Our own description with the ports at which the voice and its RTCP (RFC 3605) are heard."""
    description = re.sub(r"^(m=audio )(?!0 )\d+", rf"\g<1>{port}", description, flags=re.MULTILINE)
    return re.sub(r"^(a=rtcp:)\d+", rf"\g<1>{rtcp_port}", description, flags=re.MULTILINE)


def sections(description: str) -> list[str]:
    """The session's lines, and those of each stream."""
    return re.split(r"^(?=m=)", description.replace("\r\n", "\n"), flags=re.MULTILINE)


def codecs_of(stream: str) -> dict[str, str]:
    """The codec of each payload type that a stream tells of, in lower case."""
    return STATIC | {number: codec.lower() for number, codec in _MAP.findall(stream)}


def direction(session: str, stream: str) -> str:
    """The stream's own direction, else the session's, else both ways (RFC 4566 section 6)."""
    found = _DIRECTION.search(stream) or _DIRECTION.search(session)
    return found[1] if found else "sendrecv"
