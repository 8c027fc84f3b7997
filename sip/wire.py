"""What the pool and its workers say to each other: MessagePack lists, a packet each, by SEQPACKET sockets."""

import socket

import msgspec

from sip import phone
from sip.access import Address
from sip.media import Media
from sip.phone import Said
from sip.sdp import FarMedia
from sip.trunk import Trunk

PACKET_BYTES = 1 << 18  # more than a Unix socket's default send buffer takes in one packet
WAKE_UP = (
    b"\r\n\r\n"  # a SIP keep-alive (RFC 5626 section 3.5.1), which the stack drops: it ends the worker's poll
)


class WorkerSpec(Said, frozen=True):
    """What the zygote must know to fork a worker.

    There is an address for each line, more than it may have, or one that they are `sharing`. A port of 0 is
    any. `number` is its place among the vital signs.
    """

    name: str
    number: int
    trunk: Trunk
    addresses: tuple[Address, ...]
    sharing: bool
    sip_port: int
    rtp_port: int
    rtp_count: int
    voice: str
    log: str
    media: Media = Media.PJSUA2


class DialCommand(Said, frozen=True):
    """Call the SIP URI `target` as the SIP URI `from_uri` on the line of that number.

    Where there are `ports`, of RTP and RTCP, another process has them at the line's address.
    """

    call_id: str
    target: str
    from_uri: str
    line: int = 0
    ports: tuple[int, int] | None = None


class EndCommand(Said, frozen=True):
    """End the call by `how`: cancel, bye or drop."""

    call_id: str
    how: str


class CloseCommand(Said, frozen=True):
    """Hang up whatever is up and exit."""


class MediaAgreed(Said, frozen=True):
    """The far end has said where its side of the call's voice is; again where it moves."""

    call_id: str
    far: FarMedia


class Ready(Said, frozen=True):
    """The worker takes orders, `slots` calls at a time; WAKE_UP to `port` of its address ends its poll."""

    pid: int
    port: int
    slots: int


Message = phone.Event | MediaAgreed | WorkerSpec | DialCommand | EndCommand | CloseCommand | Ready

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Message])


def encode(messages: list[Message]) -> bytes:
    """One packet that holds the messages."""
    return _encoder.encode(messages)


def decode(packet: bytes) -> list[Message]:
    """The messages of one packet."""
    return _decoder.decode(packet)


def receive(connection: socket.socket) -> list[Message] | None:
    """The messages of all packets that are there; None once the other side is gone. Never blocks."""
    messages: list[Message] = []
    while True:
        try:
            packet = connection.recv(PACKET_BYTES)
        except BlockingIOError:
            return messages
        except ConnectionError:
            return messages or None
        if not packet:
            return messages or None
        messages += decode(packet)
