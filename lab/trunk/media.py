"""The RTP of one call (RFC 3550), sent and received as livekit-sip does: G.711, 20 ms, no RTCP."""

import asyncio
import contextlib
import ipaddress
import random
import secrets
import socket
from collections.abc import Callable

import pylibsrtp
from aiortp.codecs import PcmaCodec, PcmuCodec
from aiortp.packet import RtpPacket, is_rtcp

from lab.trunk.offer import Codec
from lab.trunk.srtp import Srtp

SAMPLES = 160
DRAIN_S = 1.0
DEFAULT_PORTS = (10000, 19999)

_CODECS = {Codec.PCMU: PcmuCodec(), Codec.PCMA: PcmaCodec()}
_SILENCE = bytes(2 * SAMPLES)
_MOST_BYTES = 2048
_STALE = 1 << 15  # RTP sequence numbers: half the circle ahead is behind


class NoPortError(Exception):
    """Every RTP port of the range is taken."""


class RtpPort:
    """An even port that a call's RTP arrives at and leaves from, both once a beat."""

    def __init__(self, on_voice: Callable[[bytes], None], next_frame: Callable[[], bytes | None]) -> None:
        """Give received audio to `on_voice` and send what `next_frame` has, both 8 kHz 16-bit PCM.

        `next_frame` is asked every 20 ms for 160 samples; None sends silence.
        """
        self._on_voice = on_voice
        self._next_frame = next_frame
        self._socket: socket.socket | None = None
        self._outward: socket.socket | None = None
        self._destination = ("", 0)
        self._codec = _CODECS[Codec.PCMU]
        self._payload_type = 0
        self._srtp: Srtp | None = None
        self._sending = False
        self._sent = 0
        self._ssrc = secrets.randbits(32)
        self._last_sequence: int | None = None
        self._received = 0
        self._heard = 0
        self._heard_bytes = 0
        self.received_s: float | None = None
        """Event-loop time of the last packet received."""
        self.first_packet: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def open(self, host: str, ports: tuple[int, int]) -> int:
        """Bind to a free even port of `host` within `ports`, both ends included, and return it.

        Raises:
            NoPortError: There is none.
        """
        low, high = ports
        even = list(range(low + low % 2, high + 1, 2))
        start = random.randrange(len(even)) if even else 0
        made = _socket(socket.AF_INET)
        for port in even[start:] + even[:start]:
            with contextlib.suppress(OSError):
                made.bind((host, port))
                self._socket = self._outward = made
                return port
        made.close()
        raise NoPortError(f"no RTP port is free between {low} and {high}")

    def agree(self, codec: Codec, payload_type: int, srtp: Srtp | None = None) -> None:
        """Use what the offer and the answer settled on, both ways."""
        self._codec = _CODECS[codec]
        self._payload_type = payload_type
        self._srtp = srtp

    def send_to(self, address: str, port: int) -> None:
        """Send to this address from now on; where RTP comes from changes nothing."""
        self._destination = (address, port)
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        if self._outward is not None and self._outward.family != family:
            self._close_outward()
            self._outward = self._socket if family == socket.AF_INET else _socket(family)

    def start_sending(self) -> None:
        """Send a packet every beat from the next on."""
        self._sending = True

    def beat(self) -> None:
        """Take what has arrived and send 20 ms."""
        self._take()
        if self._sending:
            self._send()

    def _take(self) -> None:
        arrived = self._socket
        while arrived is not None:
            try:
                data = arrived.recv(_MOST_BYTES)
            except OSError:  # no more, or what ICMP reports of a port that is closed
                break
            self._receive(data)

    def _send(self) -> None:
        frame = self._next_frame()
        packet = RtpPacket(
            payload_type=self._payload_type,
            sequence_number=self._sent & 0xFFFF,
            timestamp=(self._sent * SAMPLES) & 0xFFFFFFFF,
            ssrc=self._ssrc,
            payload=self._codec.encode(_SILENCE if frame is None else frame),
        )
        self._sent += 1
        data = packet.serialize()
        if self._srtp is not None:
            data = self._srtp.outward.protect(data)
        if self._outward is not None:
            with contextlib.suppress(OSError):  # nobody there: the media timeout ends such a call
                self._outward.sendto(data, self._destination)

    def _receive(self, data: bytes) -> None:
        # The source does not matter, and whatever is RTP counts as a sign of life.
        if is_rtcp(data):
            return
        try:
            packet = RtpPacket.parse(data if self._srtp is None else self._srtp.inward.unprotect(data))
        except (ValueError, pylibsrtp.Error):
            return  # does not count as media either
        self._received += 1
        self.received_s = asyncio.get_running_loop().time()
        if not self.first_packet.done():
            self.first_packet.set_result(None)
        if packet.payload_type != self._payload_type:
            return
        last, self._last_sequence = self._last_sequence, packet.sequence_number
        if last is not None and not 0 < (packet.sequence_number - last) & 0xFFFF < _STALE:
            self._last_sequence = last
            return  # a duplicate, or too late to be heard
        self._heard += 1
        self._heard_bytes += len(packet.payload)
        self._on_voice(self._codec.decode(packet.payload))

    def statistics(self) -> dict[str, dict[str, int]]:
        """What went through, under the names livekit-sip gives it: audio packets are those that were used."""
        return {
            "port": {
                "packets": self._received,
                "audio_packets": self._heard,
                "audio_bytes": self._heard_bytes,
            },
            "mixer": {"output_frames": self._sent},
        }

    def close(self, *, drain_s: float = DRAIN_S) -> None:
        """Take what has arrived, then stop at once; the port stays bound for what is still on its way."""
        self._take()
        self._close_outward()
        if self._socket is not None:
            asyncio.get_running_loop().call_later(drain_s, self._socket.close)
            self._socket = self._outward = None
        self.first_packet.cancel()

    def _close_outward(self) -> None:
        if self._outward is not None and self._outward is not self._socket:
            self._outward.close()


def _socket(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made
