"""The RTP of one call (RFC 3550), sent and received as livekit-sip does: G.711, 20 ms, no RTCP."""

import asyncio
import random
import secrets
from collections.abc import Callable

from aiortp.codecs import PcmaCodec, PcmuCodec
from aiortp.packet import RtpPacket, is_rtcp

from lab.trunk.offer import Codec
from lab.trunk.sockets import HOST

PACKET_S = 0.02
SAMPLES = 160
DRAIN_S = 1.0
DEFAULT_PORTS = (10000, 19999)

_CODECS = {Codec.PCMU: PcmuCodec(), Codec.PCMA: PcmaCodec()}
_SILENCE = bytes(2 * SAMPLES)
_LATEST_S = 0.2  # a sender held up for longer does not make up for it
_STALE = 1 << 15  # RTP sequence numbers: half the circle ahead is behind


class NoPortError(Exception):
    """Every RTP port of the range is taken."""


class RtpPort(asyncio.DatagramProtocol):
    """An even port that a call's RTP arrives at and leaves from."""

    def __init__(self, on_voice: Callable[[bytes], None], next_frame: Callable[[], bytes | None]) -> None:
        """Give received audio to `on_voice` and send what `next_frame` has, both 8 kHz 16-bit PCM.

        `next_frame` is asked every 20 ms for 160 samples; None sends silence.
        """
        self._on_voice = on_voice
        self._next_frame = next_frame
        self._socket: asyncio.DatagramTransport | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._destination = ("", 0)
        self._codec = _CODECS[Codec.PCMU]
        self._payload_type = 0
        self._sent = 0
        self._ssrc = secrets.randbits(32)
        self._last_sequence: int | None = None
        self.received_s: float | None = None
        """Event-loop time of the last packet received."""
        self.first_packet: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self, ports: tuple[int, int]) -> int:
        """Bind to a free even port within `ports`, both ends included, and return it.

        Raises:
            NoPortError: There is none.
        """
        low, high = ports
        even = list(range(low + low % 2, high + 1, 2))
        start = random.randrange(len(even)) if even else 0
        for port in even[start:] + even[:start]:
            try:
                endpoint, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: self, local_addr=(HOST, port)
                )
            except OSError:
                continue
            self._socket = endpoint
            return port
        raise NoPortError(f"no RTP port is free between {low} and {high}")

    def agree(self, codec: Codec, payload_type: int) -> None:
        """Use what the offer and the answer settled on, both ways."""
        self._codec = _CODECS[codec]
        self._payload_type = payload_type

    def send_to(self, address: str, port: int) -> None:
        """Send to this address from now on; where RTP comes from changes nothing."""
        self._destination = (address, port)

    def start_sending(self) -> None:
        """Send a packet now and every 20 ms until closed."""
        if self._tick is None and self._socket is not None:
            self._send(asyncio.get_running_loop().time())

    def _send(self, due_s: float) -> None:
        frame = self._next_frame()
        packet = RtpPacket(
            payload_type=self._payload_type,
            sequence_number=self._sent & 0xFFFF,
            timestamp=(self._sent * SAMPLES) & 0xFFFFFFFF,
            ssrc=self._ssrc,
            payload=self._codec.encode(_SILENCE if frame is None else frame),
        )
        if self._socket is not None:
            self._socket.sendto(packet.serialize(), self._destination)
        self._sent += 1
        loop = asyncio.get_running_loop()
        next_s = max(due_s + PACKET_S, loop.time() - _LATEST_S)
        self._tick = loop.call_at(next_s, self._send, next_s)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a packet; its source does not matter, and any that is RTP counts as a sign of life."""
        if self._socket is None or is_rtcp(data):
            return
        try:
            packet = RtpPacket.parse(data)
        except ValueError:
            return  # does not count as media either
        self.received_s = asyncio.get_running_loop().time()
        if not self.first_packet.done():
            self.first_packet.set_result(None)
        if packet.payload_type != self._payload_type:
            return
        last, self._last_sequence = self._last_sequence, packet.sequence_number
        if last is not None and not 0 < (packet.sequence_number - last) & 0xFFFF < _STALE:
            self._last_sequence = last
            return  # a duplicate, or too late to be heard
        self._on_voice(self._codec.decode(packet.payload))

    def error_received(self, exc: Exception) -> None:
        """Ignore what ICMP reports: a caller's port that is closed ends the call by the media timeout."""

    def close(self) -> None:
        """Stop sending and listening at once; the port stays bound for what is still on its way."""
        if self._tick is not None:
            self._tick.cancel()
        if self._socket is not None:
            asyncio.get_running_loop().call_later(DRAIN_S, self._socket.close)
            self._socket = None
        self.first_packet.cancel()
