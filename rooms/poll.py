"""What the room side sees of every call, asked for again and again where no webhook can reach this host."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import aiohttp
from livekit import api
from livekit.protocol import models, webhook

from rooms.observe import kind_of, room_event

Rooms = Mapping[str, Mapping[str, models.ParticipantInfo]]
"""Who was where at one moment: participants by room name and participant id."""

_AT_ONCE = 16  # requests under way
_ACTIVE = models.ParticipantInfo.State.ACTIVE

_log = logging.getLogger(__name__)


def changes(before: Rooms, after: Rooms) -> Iterator[webhook.WebhookEvent]:
    """The webhooks that would have told of what changed between two moments, without their times.

    As there, a participant has joined when it is ACTIVE.
    """
    for name in [*before, *(name for name in after if name not in before)]:
        room = models.Room(name=name)
        earlier, later = before.get(name, {}), after.get(name, {})
        if name not in before:
            yield webhook.WebhookEvent(event="room_started", room=room)
        for sid, participant in later.items():
            known = earlier.get(sid, models.ParticipantInfo())
            if participant.state == _ACTIVE != known.state:
                yield webhook.WebhookEvent(event="participant_joined", room=room, participant=participant)
            published = {track.sid for track in known.tracks}
            for track in participant.tracks:
                if track.sid not in published:
                    yield webhook.WebhookEvent(
                        event="track_published", room=room, participant=participant, track=track
                    )
        for sid, participant in earlier.items():
            if sid not in later:
                yield webhook.WebhookEvent(event="participant_left", room=room, participant=participant)
        if name not in after:
            yield webhook.WebhookEvent(event="room_finished", room=room)


async def rooms_now(livekit: api.LiveKitAPI, prefix: str) -> Rooms:
    """Ask a deployment who is in the rooms whose names begin with `prefix`.

    Raises:
        api.ServerError: The deployment refused; aiohttp.ClientError: it did not answer.
    """
    listed = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
    names = [room.name for room in listed if room.name.startswith(prefix)]
    places = asyncio.Semaphore(_AT_ONCE)

    async def participants(name: str) -> dict[str, models.ParticipantInfo]:
        async with places:
            answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=name))
        return {participant.sid: participant for participant in answer.participants}

    return dict(zip(names, await asyncio.gather(*map(participants, names)), strict=True))


async def poll(
    livekit: api.LiveKitAPI, take: Callable[[dict[str, Any]], None], *, prefix: str, every_s: float
) -> None:
    """Hand `take` a line of room-events.jsonl for every change, until cancelled.

    Times are this host's, of the answer that showed the change: late by up to `every_s` and its own way.
    """
    before: Rooms = {}
    while True:
        try:
            after = await rooms_now(livekit, prefix)
        except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
            _log.warning("The rooms could not be asked for, and will be again in %g s: %s", every_s, error)
        else:
            received_unix = time.time()
            for event in changes(before, after):
                kind = kind_of(event.participant) if event.HasField("participant") else None
                record = room_event(event, received_unix, kind=kind, source="poll")
                if record is not None:
                    take(record)
            before = after
        await asyncio.sleep(every_s)
