"""What happens in LiveKit during a test of the trunk: numbers, rooms, and somebody who speaks there."""

import asyncio
import threading
import time
import uuid
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from livekit import api

from lab.server import LiveKitServer
from tests.visitors import Visitors

_Result = TypeVar("_Result")


class RoomSide:
    """A server's SIP numbers and rooms, on an event loop of its own so that tests are plain functions."""

    def __init__(self, server: LiveKitServer, visitors: Visitors) -> None:
        self._server = server
        self._visitors = visitors
        self._speakers: list[tuple[str, str]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._api = self._run(self._open())

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _open(self) -> api.LiveKitAPI:
        keys = self._server.credentials
        return api.LiveKitAPI(self._server.url.replace("ws", "http", 1), keys.key, keys.secret)

    def number(
        self,
        *,
        rule: bool = True,
        room: str = "",
        ringing_timeout_s: float | None = None,
        trunk: Mapping[str, Any] | None = None,
    ) -> str:
        """A new number; its calls go to `room`, or each to a room of its own, or nowhere without a rule."""
        number = f"+1555{uuid.uuid4().int % 10**7:07}"
        info = api.SIPInboundTrunkInfo(name=number, numbers=[number], **(trunk or {}))
        if ringing_timeout_s is not None:
            info.ringing_timeout.FromTimedelta(timedelta(seconds=ringing_timeout_s))
        self._run(self._provision(number, info, room, with_rule=rule))
        return number

    async def _provision(
        self, number: str, info: api.SIPInboundTrunkInfo, room: str, *, with_rule: bool
    ) -> None:
        made = await self._api.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))
        if not with_rule:
            return
        if room:
            kind = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name=room))
        else:
            individual = api.SIPDispatchRuleIndividual(room_prefix=_prefix(number))
            kind = api.SIPDispatchRule(dispatch_rule_individual=individual)
        rule = api.SIPDispatchRuleInfo(
            name=number,
            trunk_ids=[made.sip_trunk_id],
            rule=kind,
            metadata="from the rule",
            attributes={"rule": "yes"},
        )
        await self._api.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))

    def room_of(self, number: str, *, but: str = "", timeout_s: float = 10.0) -> str:
        """The room of a call to a number whose calls get rooms of their own, once the caller is in.

        Where there are several calls, one `but` this.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            rooms = self._run(self._api.room.list_rooms(api.ListRoomsRequest())).rooms
            for room in rooms:
                if room.name == but:
                    continue
                if room.name.startswith(f"{_prefix(number)}_") and self.sip_participant(room.name):
                    return str(room.name)
            time.sleep(0.01)
        raise AssertionError(f"no room for {number} within {timeout_s} s")

    def sip_participant(self, room: str) -> api.ParticipantInfo | None:
        """The caller as the room sees it, None while no caller is active there."""
        request = api.ListParticipantsRequest(room=room)
        present = self._run(self._api.room.list_participants(request)).participants
        return next(
            (
                one
                for one in present
                if one.kind == api.ParticipantInfo.Kind.SIP and one.state == api.ParticipantInfo.State.ACTIVE
            ),
            None,
        )

    def wait_until_left(self, room: str, *, timeout_s: float = 10.0) -> None:
        """Return once the caller is no longer in the room."""
        deadline = time.monotonic() + timeout_s
        while self.sip_participant(room) is not None:
            if time.monotonic() > deadline:
                raise AssertionError(f"the caller is still in {room} after {timeout_s} s")
            time.sleep(0.01)

    def delete(self, room: str) -> None:
        """End a room for everybody in it."""
        self._run(self._api.room.delete_room(api.DeleteRoomRequest(room=room)))

    def remove(self, room: str, identity: str) -> None:
        """Put a participant out of a room."""
        whom = api.RoomParticipantIdentity(room=room, identity=identity)
        self._run(self._api.room.remove_participant(whom))

    def speak_in(self, room: str) -> None:
        """Join a room and publish a tone there, as an agent would."""
        keys = self._server.credentials
        grants = api.VideoGrants(room_join=True, room=room)
        identity = f"agent-{uuid.uuid4().hex[:6]}"
        token = api.AccessToken(keys.key, keys.secret).with_identity(identity).with_grants(grants)
        name = self._visitors.join(self._server.url, token.to_jwt(), speak=True)
        self._speakers.append((room, name))

    def fall_silent_in(self, room: str) -> None:
        """Leave a room, as an agent would whose work is done."""
        speaker = self._speaker_in(room)
        self._speakers.remove((room, speaker))
        self._visitors.leave(speaker)

    def loudest(self, room: str, *, packets: int) -> int:
        """The highest sample among that many frames of what the caller says in a room."""
        return self._visitors.loudest(self._speaker_in(room), frames=packets)

    def _speaker_in(self, room: str) -> str:
        return next(speaker for where, speaker in self._speakers if where == room)

    def leave(self) -> None:
        """Leave every room."""
        for _, speaker in self._speakers:
            self._visitors.leave(speaker)
        self._speakers.clear()

    def close(self) -> None:
        """Leave every room and end the loop."""
        self.leave()
        self._run(self._api.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _prefix(number: str) -> str:
    return f"room{number[1:]}"
