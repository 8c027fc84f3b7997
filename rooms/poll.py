"""What the room side sees of every call, asked for again and again where no webhook can reach this host."""

import asyncio
import contextlib
import json
import logging
import math
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from livekit import api
from livekit.protocol import models, webhook

from rooms.deployment import Deployment
from rooms.event import CALL_ID_ATTRIBUTE, RoomEvent, kind_of, room_event
from rooms.lifetime import ending
from rooms.provision import name_of

Participants = Mapping[str, models.ParticipantInfo]
"""Who was in a room at one moment, by participant id."""

REQUESTS_PER_S = 8.0  # LiveKit Cloud lets a project make 1000 a minute: the other half is left to its owner
EVERY_S = 0.5
_AT_ONCE = 8  # requests under way
_JOBS_AFTER_S = 6.0  # livekit-server 1.13 lists a room's jobs from 5 s after its creation at the latest
_OURS_WITHIN_S = 10.0
_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_ACTIVE = models.ParticipantInfo.State.ACTIVE
_UNANSWERED = (api.ServerError, aiohttp.ClientError, TimeoutError)

_log = logging.getLogger(__name__)


def changes(room: str, before: Participants, after: Participants) -> Iterator[webhook.WebhookEvent]:
    """The webhooks that would have told of what changed in a room between two moments, without their times.

    As there, a participant has joined when it is ACTIVE.
    """
    where = models.Room(name=room)
    for sid, participant in after.items():
        known = before.get(sid, models.ParticipantInfo())
        if participant.state == _ACTIVE != known.state:
            yield webhook.WebhookEvent(event="participant_joined", room=where, participant=participant)
        published = {track.sid for track in known.tracks}
        for track in participant.tracks:
            if track.sid not in published:
                yield webhook.WebhookEvent(
                    event="track_published", room=where, participant=participant, track=track
                )
    for sid, participant in before.items():
        if sid not in after:
            yield webhook.WebhookEvent(event="participant_left", room=where, participant=participant)


@dataclass(slots=True)
class _Room:
    """A room under watch: what the last look showed, and whether there is more to wait for.

    `ours` is None until it has shown whether it holds a call of this run; what it shows is kept until then.
    """

    name: str
    seen_unix: float
    since_unix: float
    ours: bool | None
    present: Participants = field(default_factory=dict)
    settled: bool = False
    had_caller: bool = False
    jobs_due_unix: float = 0.0
    kept: list[RoomEvent] = field(default_factory=list)

    def take(self, present: Participants, run_id: str, now_unix: float) -> None:
        """Learn from a look: an agent that speaks, or a caller who left, need no further ones."""
        callers = [one for one in present.values() if kind_of(one) == "sip"]
        agents = [one for one in present.values() if kind_of(one) == "agent"]
        if self.ours is None:
            if callers:
                ids = [one.attributes.get(CALL_ID_ATTRIBUTE, "") for one in callers]
                self.ours = any(call_id.startswith(f"{run_id}-") for call_id in ids)
            elif now_unix > self.seen_unix + _OURS_WITHIN_S:
                self.ours = False
        speaks = any(track.type == models.TrackType.AUDIO for agent in agents for track in agent.tracks)
        left = self.had_caller and not callers
        # A caller may be listed as joining after the agent speaks: it has not been told of then.
        told = bool(callers) and all(one.state == _ACTIVE for one in callers)
        self.settled = self.ours is False or left or (told and speaks)
        self.had_caller = self.had_caller or bool(callers)
        if agents:
            self.jobs_due_unix = math.inf
        self.present = present


class Watch:
    """The rooms of a run's calls on a deployment: `begin`, then `look` again and again.

    Rooms whose names begin with `prefix` are the run's. Without one, those are that were not there at the
    beginning and show a caller whose call id begins with the run's id; of no others is anything handed over.
    """

    def __init__(
        self,
        livekit: api.LiveKitAPI,
        take: Callable[[RoomEvent], None],
        *,
        run_id: str,
        prefix: str | None = None,
    ) -> None:
        """Watch for the calls of `run_id`; what is seen of them goes to `take`."""
        self._livekit = livekit
        self._take = take
        self._run_id = run_id
        self._prefix = prefix
        self._strangers: set[str] = set()
        self._rooms: dict[str, _Room] = {}
        self._listed_unix = 0.0
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._requests = 0

    async def begin(self) -> None:
        """See which rooms are somebody else's.

        Raises:
            api.ServerError: The deployment refused; aiohttp.ClientError, TimeoutError: it did not answer.
        """
        self._listed_unix = time.time()
        self._strangers = await self._names()

    async def look(self) -> int:
        """Ask for every room that may still show something; returns how many requests that took.

        Raises:
            api.ServerError: The deployment refused; aiohttp.ClientError, TimeoutError: it did not answer.
        """
        self._requests = 0
        asked_unix = time.time()
        names = await self._names()
        now_unix = time.time()
        self._strangers &= names
        for name in self._rooms.keys() - names:
            self._close(self._rooms.pop(name), now_unix)
        for name in names - self._rooms.keys() - self._strangers:
            ours = None if self._prefix is None else name.startswith(self._prefix)
            room = self._rooms[name] = _Room(name, now_unix, self._listed_unix, ours, settled=ours is False)
            room.jobs_due_unix = now_unix + _JOBS_AFTER_S
            self._tell(
                room, webhook.WebhookEvent(event="room_started", room=models.Room(name=name)), now_unix
            )
        self._listed_unix = asked_unix
        async with asyncio.TaskGroup() as looks:
            for room in self._rooms.values():
                if not room.settled:
                    looks.create_task(self._look_into(room))
        return self._requests

    async def _names(self) -> set[str]:
        self._requests += 1
        return {room.name for room in (await self._livekit.room.list_rooms(api.ListRoomsRequest())).rooms}

    async def _look_into(self, room: _Room) -> None:
        async with self._places:
            asked_unix = time.time()
            self._requests += 1
            try:
                request = api.ListParticipantsRequest(room=room.name)
                answer = await self._livekit.room.list_participants(request)
                after = {one.sid: one for one in answer.participants}
                now_unix = time.time()
                for event in changes(room.name, room.present, after):
                    self._tell(room, event, now_unix)
                room.since_unix = asked_unix
                room.take(after, self._run_id, now_unix)
                if room.ours and room.had_caller and not room.settled and now_unix > room.jobs_due_unix:
                    await self._ask_for_jobs(room)
            except _UNANSWERED as error:
                # It may be going this very moment; one that refuses everything shows when rooms are listed.
                _log.info("Room %s could not be looked into: %s", room.name, error)
        if room.ours:
            for line in room.kept:
                self._take(line)
        if room.ours is not None:
            room.kept.clear()

    async def _ask_for_jobs(self, room: _Room) -> None:
        """Find out whether a worker was given a job for a call that has seen no agent so far."""
        self._requests += 1
        room.jobs_due_unix = time.time() + _JOBS_AFTER_S
        for dispatch in await self._livekit.agent_dispatch.list_dispatch(room.name):
            for job in dispatch.state.jobs:
                room.jobs_due_unix = math.inf
                room.kept.append(
                    RoomEvent(
                        received_unix=time.time(),
                        source="poll",
                        event="job_started",
                        room=room.name,
                        event_unix=job.state.started_at / 1_000_000_000 or None,
                        identity=job.state.participant_identity or None,
                        kind="agent",
                    )
                )

    def _close(self, room: _Room, now_unix: float) -> None:
        for event in changes(room.name, room.present, {}):
            self._tell(room, event, now_unix)
        room.since_unix = self._listed_unix
        self._tell(
            room, webhook.WebhookEvent(event="room_finished", room=models.Room(name=room.name)), now_unix
        )
        for line in room.kept if room.ours else ():
            self._take(line)

    def _tell(self, room: _Room, event: webhook.WebhookEvent, now_unix: float) -> None:
        kind = kind_of(event.participant) if event.HasField("participant") else None
        line = room_event(event, now_unix, kind=kind, source="poll", since_unix=room.since_unix)
        if line is not None and room.ours is not False:
            room.kept.append(line)


async def poll(watch: Watch, *, every_s: float = EVERY_S, requests_per_s: float = REQUESTS_PER_S) -> None:
    """Look every `every_s`, less often where that would take too many requests, until cancelled.

    A deployment that refuses (429, 503) or does not answer is left alone for a while, longer each time.
    """
    refusals = 0
    seldom = False
    while True:
        began_s = time.monotonic()
        try:
            requests = await watch.look()
        except _UNANSWERED as error:
            wait_s = _PAUSES_S[min(refusals, len(_PAUSES_S) - 1)]
            refusals += 1
            _log.warning("The rooms could not be asked for, and will be again in %g s: %s", wait_s, error)
        else:
            refusals = 0
            wait_s = max(every_s, requests / requests_per_s)
            if wait_s > 2 * every_s and not seldom:
                seldom = True
                _log.warning(
                    "%d requests are needed for one look at all rooms: it comes every %.1f s instead of "
                    "%g s, to stay within %g requests/s",
                    *(requests, wait_s, every_s, requests_per_s),
                )
        await asyncio.sleep(max(0.0, began_s + wait_s - time.monotonic()))


@contextlib.asynccontextmanager
async def watching(
    livekit: api.LiveKitAPI, out: Path, *, run_id: str, prefix: str | None, every_s: float = EVERY_S
) -> AsyncIterator["asyncio.Task[None]"]:
    """Have the rooms of a run asked for, and what they show appended to a file; yields the task that asks.

    Raises:
        api.ServerError: The deployment refused; aiohttp.ClientError, TimeoutError: it did not answer.
        OSError: The file cannot be written.
    """
    descriptor = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        watch = Watch(livekit, lambda event: event.append_to(descriptor), run_id=run_id, prefix=prefix)
        await watch.begin()
        task = asyncio.ensure_future(poll(watch, every_s=every_s))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task})
    finally:
        os.close(descriptor)


async def observe_by_polling(deployment: Deployment, out: Path, *, run_id: str) -> None:
    """Say on standard output when it has begun, then watch the rooms of a run until SIGTERM or SIGINT.

    Raises:
        api.ServerError: The deployment refused; aiohttp.ClientError, TimeoutError: it did not answer.
    """
    ended = ending(with_standard_input=False)
    async with deployment.client() as livekit, watching(livekit, out, run_id=run_id, prefix=name_of(run_id)):
        print(json.dumps({"ready": True}), flush=True)
        await ended.wait()
