"""The far end of one call's voice, packet by packet, as a test wants it."""

import array
import math
import socket
import struct
import time
import wave
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from sip.media import Pump
from sip.pump_words import Message
from sip.sdp import FarMedia
from tests.sip.conftest import wait_until

FRAME = 160  # samples: 20 ms
SILENCE = b"\xff" * FRAME
TONE = (b"\x10" * 8 + b"\x90" * 8) * 10  # 500 Hz, far above any noise
DIGITS = 101
Kind = TypeVar("Kind")


class Packet(NamedTuple):
    """An RTP packet, when it came, and from which port."""

    at_s: float
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    port: int

    @property
    def loud(self) -> bool:
        """Whether it holds sound, in mu-law."""
        return any(code not in (0x7F, 0xFF) for code in self.payload)


def packet(sequence: int, payload: bytes = SILENCE, *, timestamp: int | None = None, **more: int) -> bytes:
    """An RTP packet; its timestamp follows from its number, unless it is given."""
    stamp = sequence * FRAME if timestamp is None else timestamp
    first = more.get("first", 0x80)
    return (
        struct.pack(
            "!BBHII", first, more.get("type", 0), sequence % 65536, stamp % 2**32, more.get("ssrc", 7)
        )
        + payload
    )


class RtpPeer:
    """A far end at an address of this machine, with a port for RTP and one for RTCP."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.rtp, self.rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for each in (self.rtp, self.rtcp):
            each.bind((host, 0))
            each.settimeout(10.0)

    def far(self, *, digits: int | None = DIGITS, hears: bool = True, payload_type: int = 0) -> FarMedia:
        """What its session description says."""
        host, port = self.rtp.getsockname()
        rtcp_port = self.rtcp.getsockname()[1]
        return FarMedia(host, port, rtcp_port, payload_type, digits, hears=hears, speaks=True)

    def send(self, data: bytes, port: int) -> tuple[float, float]:
        """Send to a port of the pump; on loopback it comes between the two times of the answer."""
        before_s = time.monotonic()
        self.rtp.sendto(data, ("127.0.0.1", port))
        return before_s, time.monotonic()

    def receive(self) -> Packet:
        """The next packet."""
        data, source = self.rtp.recvfrom(2048)
        at_s = time.monotonic()
        _, second, sequence, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
        return Packet(at_s, bool(second >> 7), second & 0x7F, sequence, timestamp, ssrc, data[12:], source[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rtp.close()
        self.rtcp.close()


class Told:
    """What a pump has said, kept until somebody asks for it."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self._messages: list[Message] = []

    def of(self, kind: type[Kind], ear: int = 1) -> Kind:
        """The first message of that kind about the ear, which is waited for."""
        found: list[Kind] = []

        def is_there() -> bool:
            found.extend(each for each in self.all(kind) if getattr(each, "ear", ear) == ear)
            return bool(found)

        wait_until(is_there)
        self._messages.remove(found[0])  # type: ignore[arg-type]
        return found[0]

    def all(self, kind: type[Kind]) -> list[Kind]:
        """All of that kind so far."""
        messages = self.pump.messages()
        assert messages is not None, "the pump is gone"
        self._messages += messages
        return [each for each in self._messages if isinstance(each, kind)]


def write_tone(path: Path, *, seconds: float, pause_s: float = 0.0) -> None:
    """A WAV of a tone and a pause, as the pump takes it."""
    tone = [round(8000 * math.sin(2 * math.pi * 500 * n / 8000)) for n in range(round(8000 * seconds))]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(array.array("h", tone + [0] * round(8000 * pause_s)).tobytes())
