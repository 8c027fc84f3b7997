"""The caller as a participant of a LiveKit room, of kind SIP."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping

import aiohttp
import numpy as np
from aiortp.packet import RtpPacket
from livekit import api
from livekit.protocol import models, rtc

from lab.trunk.hearing import FRAME_BYTES, Hearing
from lab.trunk.webrtc.description import read_answer, read_candidate
from lab.trunk.webrtc.dtls import HandshakeError
from lab.trunk.webrtc.opus import Encoder
from lab.trunk.webrtc.peer import PeerConnection
from lab.trunk.webrtc.signalling import JoinError, Signalling

__all__ = ["JoinError", "SipParticipant", "access_token"]

STREAM = "camera"
"""The stream livekit-sip publishes the caller's voice in."""
PROTOCOL = 16
"""The version of LiveKit's signalling that is spoken here."""
CONNECT_WITHIN_S = 10.0

_log = logging.getLogger(__name__)


class SipParticipant:
    """Joins the room of a call, which dispatches the agent, and carries audio both ways."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, token: str, attributes: Mapping[str, str], identity: str
    ) -> None:
        """Prepare to join `url` with `token`, which holds `attributes`; nothing happens before `join`."""
        loop = asyncio.get_running_loop()
        self._http = http
        self._url = url
        self._token = token
        self._identity = identity
        self.attributes = dict(attributes)
        self.heard: asyncio.Future[None] = loop.create_future()
        """Done when the first audio track of another participant is subscribed."""
        self.gone: asyncio.Future[str] = loop.create_future()
        """Done when the room has ended or has put this participant out, with the reason."""
        self._peer = PeerConnection(stream=STREAM, on_rtp=self._on_rtp)
        self._encoder = Encoder()
        self._unsaid = bytearray()
        self._hearings: dict[int, Hearing] = {}
        self._signalling: Signalling | None = None
        self._joining: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._offered = 1
        self._answered = 0
        self._offer_again = False
        self._track_sid = ""
        self._muted = False

    async def join(self) -> None:
        """Join the room; cancelled, it goes on unheeded, for a room half joined cannot be left.

        Raises:
            JoinError: The server refused or could not be reached.
        """
        self._joining = asyncio.create_task(self._join())
        await asyncio.shield(self._joining)

    async def _join(self) -> None:
        self._peer.path.open()
        track = rtc.AddTrackRequest(
            cid=self._peer.track,
            name=self._identity,
            type=models.TrackType.AUDIO,
            source=models.TrackSource.MICROPHONE,
            stream=STREAM,
            disable_red=True,
            disable_dtx=True,
        )
        request = rtc.JoinRequest(
            client_info=models.ClientInfo(sdk=models.ClientInfo.SDK.UNKNOWN, protocol=PROTOCOL),
            connection_settings=rtc.ConnectionSettings(auto_subscribe=True),
            add_track_requests=[track],
            publisher_offer=self._description(),
        )
        self._signalling = signalling = await Signalling.join(self._http, self._url, self._token, request)
        self._tasks.append(asyncio.create_task(self._listen(signalling)))
        self._tasks.append(asyncio.create_task(self._connect()))

    def _description(self) -> rtc.SessionDescription:
        return rtc.SessionDescription(type="offer", sdp=self._peer.offer(), id=self._offered)

    async def _listen(self, signalling: Signalling) -> None:
        """Do what the server says, until it says no more."""
        reason = "SIGNALLING_LOST"
        async for message in signalling.messages():
            match message.WhichOneof("message"):
                case "answer":
                    await self._on_answer(signalling, message.answer)
                case "trickle":
                    self._on_candidate(message.trickle)
                case "media_sections_requirement":
                    self._peer.sections += message.media_sections_requirement.num_audios
                    await self._offer(signalling)
                case "update" if self._has_first_voice(message.update):
                    await self._offer(signalling)
                case "track_published":
                    self._track_sid = message.track_published.track.sid
                case "mute" if message.mute.sid == self._track_sid:
                    self._muted = message.mute.muted
                case "leave":
                    reason = models.DisconnectReason.Name(message.leave.reason)
                    break
        self._end(reason)

    def _has_first_voice(self, update: rtc.ParticipantUpdate) -> bool:
        # The server asks for a new offer 10 ms after it has added a track. It is there before, and the
        # section for the first one too: offering at once has the caller answered that much earlier.
        return not self.heard.done() and any(
            track.type == models.TrackType.AUDIO
            for participant in update.participants
            if participant.identity != self._identity
            for track in participant.tracks
        )

    def _end(self, reason: str) -> None:
        if not self.gone.done():
            self.gone.set_result(reason)

    async def _offer(self, signalling: Signalling) -> None:
        # One offer at a time (RFC 3264 4): what is wanted meanwhile goes into the next.
        if self._answered < self._offered:
            self._offer_again = True
            return
        self._offered += 1
        await signalling.send(rtc.SignalRequest(offer=self._description()))

    async def _on_answer(self, signalling: Signalling, answer: rtc.SessionDescription) -> None:
        if answer.id != self._offered:
            return
        self._answered = self._offered
        try:
            description = read_answer(answer.sdp)
        except ValueError as error:
            self._end(str(error))
            return
        self._peer.accept(description)
        # A section names its track from the moment the server sends it.
        heard = {ssrc for ssrc, mid in description.sources.items() if mid in answer.mid_to_track_id}
        self._hearings = {ssrc: self._hearings.get(ssrc) or Hearing() for ssrc in heard}
        if heard and not self.heard.done():
            self.heard.set_result(None)
        if self._offer_again:
            self._offer_again = False
            await self._offer(signalling)

    def _on_candidate(self, trickle: rtc.TrickleRequest) -> None:
        with contextlib.suppress(ValueError):
            candidate = read_candidate(json.loads(trickle.candidateInit).get("candidate") or "")
            if candidate is not None:
                self._peer.path.try_candidate(*candidate)

    async def _connect(self) -> None:
        """Watch over the media path: without it there is no call."""
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await self._peer.connected
            await self._peer.path.lost
            self._end("MEDIA_PATH_LOST")
        except TimeoutError:
            self._end(f"no media path within {CONNECT_WITHIN_S:g} s")
        except HandshakeError as error:
            self._end(str(error))

    def say(self, pcm: bytes) -> None:
        """Send the caller's voice into the room, 8 kHz 16-bit PCM."""
        if self._muted:
            return
        self._unsaid += pcm
        while len(self._unsaid) >= FRAME_BYTES:
            frame = bytes(self._unsaid[:FRAME_BYTES])
            del self._unsaid[:FRAME_BYTES]
            self._peer.send(self._encoder.encode(frame))

    def beat(self) -> None:
        """Take what the room has said since the last beat."""
        self._peer.path.beat()

    def _on_rtp(self, packet: RtpPacket) -> None:
        hearing = self._hearings.get(packet.ssrc)
        if hearing is not None:
            hearing.receive(packet)

    def next_frame(self) -> bytes | None:
        """What the room says in the next 20 ms, mixed; None for silence."""
        frames = [frame for hearing in self._hearings.values() if (frame := hearing.next_frame()) is not None]
        if len(frames) < 2:
            return frames[0] if frames else None
        total = np.sum([np.frombuffer(frame, np.int16) for frame in frames], axis=0, dtype=np.int32)
        return total.clip(-32768, 32767).astype(np.int16).tobytes()

    async def set_status(self, status: str) -> None:
        """Set attribute `sip.callStatus`, as far as the room still listens."""
        if self._signalling is not None and not self.gone.done():
            self.attributes["sip.callStatus"] = status
            change = rtc.UpdateParticipantMetadata(attributes={"sip.callStatus": status})
            await self._signalling.send(rtc.SignalRequest(update_metadata=change))

    async def leave(self) -> None:
        """Leave the room, once it is joined, and let go of everything that belongs to it."""
        if self._joining is not None:
            await asyncio.wait([self._joining])
            self._joining.exception()  # whoever joined has heard of it
        for task in self._tasks:
            task.cancel()
        if self._signalling is not None:
            leave = rtc.LeaveRequest(reason=models.DisconnectReason.CLIENT_INITIATED)
            await self._signalling.send(rtc.SignalRequest(leave=leave))
            await self._signalling.close()
        self._peer.close()
        self._encoder.close()
        self.heard.cancel()
        self.gone.cancel()


def access_token(
    key: str, secret: str, *, room: str, identity: str, name: str, attributes: Mapping[str, str],
    rule: api.SIPDispatchRuleInfo,
) -> str:  # fmt: skip
    """The pass of a SIP participant; its room configuration is what dispatches the rule's agents."""
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
    pass_ = (
        api.AccessToken(key, secret)
        .with_kind("sip")
        .with_identity(identity)
        .with_name(name)
        .with_metadata(rule.metadata)
        .with_attributes(dict(attributes))
        .with_grants(grants)
        .with_room_config(rule.room_config)
    )
    if rule.room_preset:
        pass_ = pass_.with_room_preset(rule.room_preset)
    return pass_.to_jwt()
