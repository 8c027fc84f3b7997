"""The media path between a caller and its room: one peer connection, audio both ways."""

import asyncio
import random
import secrets
from collections.abc import Callable

import pylibsrtp
from aiortp.packet import RtpPacket, is_rtcp

from lab.trunk.srtp import Srtp
from lab.trunk.webrtc.description import OPUS, Answer, Offer
from lab.trunk.webrtc.dtls import Dtls, HandshakeError, fingerprint
from lab.trunk.webrtc.ice import IcePath

FRAME_TICKS = 960
"""RTP clock ticks of 20 ms."""
_PAUSE_S = 0.1  # a longer one is told to the listener as the time that went by


class PeerConnection:
    """Sends Opus packets to the server and hands its RTP on, source by source."""

    def __init__(self, *, stream: str, on_rtp: Callable[[RtpPacket], None]) -> None:
        """Prepare to publish one track in `stream`; nothing happens before `open`."""
        self.track = secrets.token_hex(8)
        """The name by which the offer and the request to add the track mean the same one."""
        self.sections = 1
        """Media sections offered: as many as there are voices to listen to."""
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when audio can flow, or with the error that keeps it from flowing."""
        self.path = IcePath(self._receive)
        self._stream = stream
        self._on_rtp = on_rtp
        self._version = 0
        self._ssrc = secrets.randbits(32)
        self._sequence = random.randrange(1 << 15)
        self._timestamp = secrets.randbits(32)
        self._sent_s: float | None = None
        self._dtls: Dtls | None = None
        self._srtp: Srtp | None = None
        self._connecting: asyncio.Task[None] | None = None

    def offer(self) -> str:
        """The next offer to make."""
        self._version += 1
        return str(
            Offer(
                user=self.path.user,
                password=self.path.password,
                fingerprint=fingerprint(),
                port=self.path.port,
                stream=self._stream,
                track=self.track,
                ssrc=self._ssrc,
                sections=self.sections,
                version=self._version,
            )
        )

    def accept(self, answer: Answer) -> None:
        """Connect as the first answer says; later ones only bring candidates."""
        if self._connecting is None:
            self.path.trust(answer.user, answer.password)
            # Made before the path is found: the server may begin as soon as it has answered a check.
            self._dtls = Dtls(self.path.send, expect=answer.fingerprint, active=not answer.server_is_active)
            self._connecting = asyncio.create_task(self._connect(self._dtls))
        for address, port in answer.candidates:
            self.path.try_candidate(address, port)

    async def _connect(self, dtls: Dtls) -> None:
        await self.path.found
        dtls.start()
        try:
            self._srtp = await dtls.agreed
        except HandshakeError as error:
            self.connected.set_exception(error)
        else:
            self.path.settle()
            self.connected.set_result(None)

    def send(self, payload: bytes) -> None:
        """Send 20 ms of Opus; before the path stands it is dropped."""
        if self._srtp is None:
            return
        now_s = asyncio.get_running_loop().time()
        pause_s = 0.0 if self._sent_s is None else now_s - self._sent_s
        frames = round(pause_s / 0.02) if pause_s > _PAUSE_S else 1
        self._sent_s = now_s
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + frames * FRAME_TICKS) & 0xFFFFFFFF
        packet = RtpPacket(
            payload_type=OPUS,
            marker=int(frames > 1),
            sequence_number=self._sequence,
            timestamp=self._timestamp,
            ssrc=self._ssrc,
            payload=payload,
        )
        self.path.send(self._srtp.outward.protect(packet.serialize()))

    def _receive(self, datagram: bytes) -> None:
        if 20 <= datagram[0] <= 63:
            if self._dtls is not None:
                self._dtls.receive(datagram)
        elif self._srtp is not None and not is_rtcp(datagram):
            try:
                packet = RtpPacket.parse(self._srtp.inward.unprotect(datagram))
            except (pylibsrtp.Error, ValueError):  # sent twice, damaged, or not the server's
                return
            self._on_rtp(packet)

    def close(self) -> None:
        """End the media path."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._dtls is not None:
            self._dtls.close()
        self.path.close()
        self.connected.cancel()
