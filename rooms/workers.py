"""Whether anybody works for an agent's name: found out by giving it one job in a room of its own."""

import asyncio
import math
import time
from collections.abc import Sequence

from livekit import api

from rooms.event import kind_of
from rooms.provision import Route, forgiving_the_gone, name_of

TAKEN_WITHIN_S = 20.0  # an agent that was scaled down to nothing is started by its first job
_LOOK_EVERY_S = 0.5


async def unmanned(
    livekit: api.LiveKitAPI, run_id: str, routes: Sequence[Route], *, within_s: float = TAKEN_WITHIN_S
) -> list[Route]:
    """The routes whose agents no worker has taken a job for; costs each agent one job without a caller.

    Raises:
        api.ServerError: The deployment refused; aiohttp.ClientError, TimeoutError: it did not answer.
    """
    taken = await asyncio.gather(*(_takes_a_job(livekit, run_id, route, within_s) for route in routes))
    return [route for route, has_worker in zip(routes, taken, strict=True) if not has_worker]


async def _takes_a_job(livekit: api.LiveKitAPI, run_id: str, route: Route, within_s: float) -> bool:
    room = f"{name_of(run_id, route.arm)}-probe"
    # One that stays while nobody is in it: servers close rooms that nobody comes to, some after seconds.
    await livekit.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=math.ceil(within_s) + 30))
    try:
        request = api.CreateAgentDispatchRequest(agent_name=route.agent, room=room)
        await livekit.agent_dispatch.create_dispatch(request)
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            if await _job_seen(livekit, room):
                return True
            await asyncio.sleep(_LOOK_EVERY_S)
        return False
    finally:
        await forgiving_the_gone(livekit.room.delete_room(api.DeleteRoomRequest(room=room)))


async def _job_seen(livekit: api.LiveKitAPI, room: str) -> bool:
    """Whether there is an agent in the room, or a job: one that fails at once never joins."""
    present = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
    if any(kind_of(participant) == "agent" for participant in present.participants):
        return True
    return any(dispatch.state.jobs for dispatch in await livekit.agent_dispatch.list_dispatch(room))
