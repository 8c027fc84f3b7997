"""What the pool and its workers say to each other: JSON lists, one packet each, over SEQPACKET sockets."""

import json
import socket
from dataclasses import asdict, dataclass
from typing import Any

from sip import phone
from sip.access import Address
from sip.record import RtpStats
from sip.trunk import Trunk

PACKET_BYTES = 1 << 18  # more than a Unix socket's default send buffer takes in one packet
WAKE_UP = (
    b"\r\n\r\n"  # a SIP keep-alive (RFC 5626 section 3.5.1), which the stack drops: it ends the worker's poll
)


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What the zygote must know to fork a worker.

    There is an address for each line, more than it may have, or one that they are `sharing`. A port of 0 is
    any.
    """

    name: str
    trunk: Trunk
    addresses: tuple[Address, ...]
    sharing: bool
    sip_port: int
    rtp_port: int
    rtp_count: int
    voice: str
    log: str


@dataclass(frozen=True, slots=True)
class DialCommand:
    """Call the SIP URI `target` as the SIP URI `from_uri`."""

    call_id: str
    target: str
    from_uri: str


@dataclass(frozen=True, slots=True)
class EndCommand:
    """End the call by `how`: cancel, bye or drop."""

    call_id: str
    how: str


@dataclass(frozen=True, slots=True)
class CloseCommand:
    """Hang up whatever is up and exit."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker takes orders, `slots` calls at a time; WAKE_UP to `port` of its address ends its poll."""

    pid: int
    port: int
    slots: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """The worker's CPU time since its start, and its loop's largest lateness since the last pulse."""

    cpu_s: float
    loop_lag_s: float


Message = phone.Event | WorkerSpec | DialCommand | EndCommand | CloseCommand | Ready | Pulse

_TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        *phone.Event.__args__,
        WorkerSpec,
        DialCommand,
        EndCommand,
        CloseCommand,
        Ready,
        Pulse,
    )
}


def encode(messages: list[Message]) -> bytes:
    """One packet that holds the messages."""
    return json.dumps([[type(message).__name__, asdict(message)] for message in messages]).encode()


def decode(packet: bytes) -> list[Message]:
    """The messages of one packet."""
    return [_message(name, values) for name, values in json.loads(packet)]


def _message(name: str, values: dict[str, Any]) -> Message:
    if values.get("rtp") is not None:
        values["rtp"] = RtpStats(**values["rtp"])
    if "trunk" in values:
        values["trunk"] = Trunk.of(values["trunk"])
        values["addresses"] = tuple(Address(*each) for each in values["addresses"])
    message: Message = _TYPES[name](**values)
    return message


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
