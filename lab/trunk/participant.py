"""The caller as a participant of a LiveKit room, of kind SIP."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping

import numpy as np
from livekit import api, rtc
from livekit.rtc.participant import PublishTrackError

from lab.trunk.frames import Hearing, Speech

_log = logging.getLogger(__name__)
_LEAVE_S = 5.0

# Everything is on this machine. Left to itself the SDK looks up LiveKit's public STUN servers again and
# again, on every interface, for as long as a call lasts: where DNS does not answer that is some forty
# threads and a hundred sockets a call.
_ON_THIS_MACHINE = rtc.RoomOptions(
    rtc_config=rtc.RtcConfiguration(
        ice_servers=[rtc.IceServer(urls=["stun:127.0.0.1:9"])],  # none, where an empty list means theirs
        continual_gathering_policy=rtc.ContinualGatheringPolicy.GATHER_ONCE,
    )
)


class JoinError(Exception):
    """The room could not be joined."""


class SipParticipant:
    """Joins the room of a call, which dispatches the agent, and carries audio both ways."""

    def __init__(self, url: str, token: str, attributes: Mapping[str, str]) -> None:
        """Prepare to join `url` with `token`, which holds `attributes`; nothing happens before `join`."""
        loop = asyncio.get_running_loop()
        self._url = url
        self._token = token
        self.attributes = dict(attributes)
        self.heard: asyncio.Future[None] = loop.create_future()
        """Done when the first audio track of another participant is subscribed."""
        self.gone: asyncio.Future[str] = loop.create_future()
        """Done when the room has ended or has put this participant out, with LiveKit's reason."""
        self._room = rtc.Room()
        self._room.on("track_subscribed", self._on_track)
        self._room.on("track_unsubscribed", self._on_track_end)
        self._room.on("disconnected", self._on_disconnected)
        self._speech: Speech | None = None
        self._hearings: dict[str, Hearing] = {}
        self._joining: asyncio.Task[None] | None = None
        self._publishing: asyncio.Task[None] | None = None

    async def join(self) -> None:
        """Join the room and begin to publish the caller's audio; cancelled, it goes on unheeded.

        Raises:
            JoinError: The server refused or could not be reached.
        """
        # The SDK ends the process 15 s after a connect that was cancelled.
        self._joining = asyncio.create_task(self._join())
        await asyncio.shield(self._joining)

    async def _join(self) -> None:
        try:
            await self._room.connect(self._url, self._token, _ON_THIS_MACHINE)
        except rtc.ConnectError as error:
            raise JoinError(f"the room could not be joined: {error.message}") from error
        self._publishing = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        self._speech = speech = Speech(self._room.local_participant.identity)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_MICROPHONE, red=False, dtx=False, stream="camera"
        )
        try:
            await self._room.local_participant.publish_track(speech.track, options)
        except PublishTrackError as error:
            _log.warning("the caller's audio was not published: %s", error)

    def say(self, pcm: bytes) -> None:
        """Send the caller's voice into the room, 8 kHz 16-bit PCM."""
        if self._speech is not None:
            self._speech.say(pcm)

    def next_frame(self) -> bytes | None:
        """What the room says in the next 20 ms, mixed; None for silence."""
        frames = [frame for hearing in self._hearings.values() if (frame := hearing.next_frame()) is not None]
        if len(frames) < 2:
            return frames[0] if frames else None
        total = np.sum([np.frombuffer(frame, np.int16) for frame in frames], axis=0, dtype=np.int32)
        return total.clip(-32768, 32767).astype(np.int16).tobytes()

    async def set_status(self, status: str) -> None:
        """Set attribute `sip.callStatus`, as far as the room still listens."""
        if self._room.isconnected():
            self.attributes["sip.callStatus"] = status
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await self._room.local_participant.set_attributes({"sip.callStatus": status})

    async def leave(self) -> None:
        """Leave the room, once it is joined, and let go of everything that belongs to it."""
        if self._joining is not None:
            await asyncio.wait([self._joining])
            self._joining.exception()  # whoever joined has heard of it
        if self._publishing is not None:
            # Cut off in the middle the SDK would keep the track, with a thread of its own, for good.
            await asyncio.wait([self._publishing], timeout=_LEAVE_S)
        for hearing in self._hearings.values():
            hearing.close()
        self._hearings.clear()
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self._room.disconnect()
        except TimeoutError:
            _log.warning("the room was not left within %g s", _LEAVE_S)
        if self._speech is not None:
            await self._speech.close()
        self.heard.cancel()
        self.gone.cancel()

    def _on_track(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant
    ) -> None:
        if isinstance(track, rtc.RemoteAudioTrack):
            self._hearings[publication.sid] = Hearing(track)
            if not self.heard.done():
                self.heard.set_result(None)

    def _on_track_end(
        self, _track: rtc.Track, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant
    ) -> None:
        hearing = self._hearings.pop(publication.sid, None)
        if hearing is not None:
            hearing.close()

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if not self.gone.done():
            self.gone.set_result(rtc.DisconnectReason.Name(reason))


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
