"""A caller's SDP offer, read and answered with exactly the answer livekit-sip gives."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from aiosipua import parse_sdp
from aiosipua.sdp import MediaDescription

from lab.trunk.srtp import read_crypto, write_crypto


class Codec(StrEnum):
    """The audio codecs the trunk speaks, in its order of preference (G.711, RFC 3551 4.5.14)."""

    PCMU = "PCMU"
    PCMA = "PCMA"


class UnacceptableOfferError(Exception):
    """The offer has no audio the trunk can take part in."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What of an offer matters to the answer."""

    session_id: int
    codec: Codec
    payload_type: int
    event_payload_type: int | None
    """Payload type of telephone-event (RFC 4733) when offered."""
    address: str | None
    """Where the caller receives RTP; None when the offer names no address."""
    port: int
    key: bytes | None
    """The key the caller encrypts with, when it offered to (RTP/SAVP with a crypto attribute known here)."""

    def answer(self, address: str, port: int, *, key: bytes | None = None) -> bytes:
        """The SDP body that accepts this offer with RTP received at `address` and `port`.

        With `key` this side's RTP is encrypted too.
        """
        protocol = "RTP/AVP" if key is None else "RTP/SAVP"
        crypto = () if key is None else (f"a=crypto:{write_crypto(key)}",)
        formats = str(self.payload_type)
        events: tuple[str, ...] = ()
        if self.event_payload_type is not None:
            formats += f" {self.event_payload_type}"
            events = (
                f"a=rtpmap:{self.event_payload_type} telephone-event/8000",
                f"a=fmtp:{self.event_payload_type} 0-16",
            )
        lines = (
            "v=0",
            f"o=- {self.session_id} {self.session_id + 2} IN IP4 {address}",
            "s=LiveKit",
            f"c=IN IP4 {address}",
            "t=0 0",
            f"m=audio {port} {protocol} {formats}",
            f"a=rtpmap:{self.payload_type} {self.codec}/8000",
            *events,
            *crypto,
            "a=ptime:20",
            "a=sendrecv",
        )
        return "".join(f"{line}\r\n" for line in lines).encode()


def read_offer(body: str) -> Offer:
    """Read an SDP offer.

    Raises:
        UnacceptableOfferError: It is no SDP, or has no audio stream with a codec and an address of use here.
    """
    try:
        session = parse_sdp(body)
        session_id = int(session.origin.session_id)
    except ValueError as error:
        raise UnacceptableOfferError(f"the offer is no SDP: {error}") from error
    audio = session.audio
    if audio is None or not 0 < audio.port < 65536:
        raise UnacceptableOfferError("the offer has no audio stream")
    codec, payload_type = _choose(audio)
    events = [c.payload_type for c in audio.codecs if c.encoding_name.lower() == "telephone-event"]
    connection = audio.connection or session.connection
    address = connection.address if connection is not None else None
    if address is not None:
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise UnacceptableOfferError(f"{address} is no address to send RTP to") from error
    return Offer(
        session_id=session_id,
        codec=codec,
        payload_type=payload_type,
        event_payload_type=events[0] if events else None,
        address=address,
        port=audio.port,
        key=read_crypto(audio.attributes.get("crypto", [])) if "SAVP" in audio.proto else None,
    )


def _choose(audio: MediaDescription) -> tuple[Codec, int]:
    for codec in Codec:
        for offered in audio.codecs:
            if offered.encoding_name.upper() == codec and offered.clock_rate == 8000:
                return codec, offered.payload_type
    raise UnacceptableOfferError(f"none of {', '.join(Codec)} is among the offered codecs")


def rtp_target(body: str) -> tuple[str, int] | None:
    """Where an SDP body wants RTP sent, whatever else it says; None when it does not say."""
    try:
        target = parse_sdp(body).rtp_address
        if target is None or not 0 < target[1] < 65536:
            return None
        return str(ipaddress.ip_address(target[0])), target[1]
    except ValueError:
        return None
