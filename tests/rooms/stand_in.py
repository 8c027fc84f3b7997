"""A deployment that holds exactly what a test puts there, asked by the real client over HTTP."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from livekit import api
from livekit.protocol import agent, agent_dispatch, models, room

AUDIO = models.TrackInfo(sid="TR_1", type=models.TrackType.AUDIO)


def caller(call_id: str = "", sid: str = "PA_sip", joined_at_ms: int = 0) -> models.ParticipantInfo:
    """A SIP participant that is ACTIVE; its INVITE carried `call_id`."""
    return models.ParticipantInfo(
        sid=sid,
        kind=models.ParticipantInfo.Kind.SIP,
        state=models.ParticipantInfo.State.ACTIVE,
        attributes={"lktest.id": call_id} if call_id else {},
        joined_at_ms=joined_at_ms,
    )


def an_agent(*tracks: models.TrackInfo, joining: bool = False) -> models.ParticipantInfo:
    """An agent with tracks, ACTIVE unless it is still joining."""
    states = models.ParticipantInfo.State
    return models.ParticipantInfo(
        sid="PA_agent",
        kind=models.ParticipantInfo.Kind.AGENT,
        state=states.JOINED if joining else states.ACTIVE,
        tracks=tracks,
    )


@dataclass(slots=True)
class StandIn:
    """Rooms by name with who is in them, started jobs by room (ns), and what was asked for how often.

    While `status` is not 200 every request is refused with it.
    """

    rooms: dict[str, list[models.ParticipantInfo]] = field(default_factory=dict)
    jobs: dict[str, int] = field(default_factory=dict)
    status: int = 200
    asked: Counter[str] = field(default_factory=Counter)

    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until_asked(self, method: str, times: int) -> None:
        """Wait until it has been asked so often."""
        async with self._news:
            await self._news.wait_for(lambda: self.asked[method] >= times)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one of the three questions that a watcher asks."""
        method = request.match_info["method"]
        async with self._news:
            self.asked[method] += 1
            self._news.notify_all()
        if self.status != 200:
            return web.json_response({"code": "refused", "msg": "a reason"}, status=self.status)
        body = await request.read()
        answers = {"ListRooms": self._rooms, "ListParticipants": self._present, "ListDispatch": self._jobs}
        return web.Response(body=answers[method](body).SerializeToString())

    def _rooms(self, _: bytes) -> room.ListRoomsResponse:
        return room.ListRoomsResponse(rooms=[models.Room(name=name) for name in self.rooms])

    def _present(self, body: bytes) -> room.ListParticipantsResponse:
        name = room.ListParticipantsRequest.FromString(body).room
        return room.ListParticipantsResponse(participants=self.rooms.get(name, []))

    def _jobs(self, body: bytes) -> agent_dispatch.ListAgentDispatchResponse:
        name = agent_dispatch.ListAgentDispatchRequest.FromString(body).room
        jobs = [agent.Job(state=agent.JobState(started_at=self.jobs[name]))] if name in self.jobs else []
        dispatch = agent_dispatch.AgentDispatch(state=agent_dispatch.AgentDispatchState(jobs=jobs))
        return agent_dispatch.ListAgentDispatchResponse(agent_dispatches=[dispatch])


@contextlib.asynccontextmanager
async def standing_in(deployment: StandIn) -> AsyncIterator[api.LiveKitAPI]:
    """Serve it on a free port of 127.0.0.1 and yield a client."""
    app = web.Application()
    app.router.add_post("/twirp/{service}/{method}", deployment.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with api.LiveKitAPI(url, "APItest", "a secret of more than thirty-two characters") as livekit:
            yield livekit
    finally:
        await runner.cleanup()
