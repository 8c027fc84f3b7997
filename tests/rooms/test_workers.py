"""Facts about finding out whether anybody works for an agent's name, on a real server and worker."""

import asyncio

import pytest
from livekit import api

from lab.server import LiveKitServer
from rooms.provision import Route
from rooms.workers import unmanned

pytestmark = pytest.mark.system

RUN = "20260102T030405Z-abcdef"


def test_a_name_that_no_worker_has_is_told_from_one_whose_agent_fails(
    server: LiveKitServer, failing: str
) -> None:
    """A job that fails at once was taken all the same; the rooms it took are gone afterwards."""
    manned, nobodys = Route("a", "+15550100001", failing), Route("b", "+15550100002", "nobody")

    async def ask() -> tuple[list[Route], list[Route], list[str]]:
        async with api.LiveKitAPI(server.url, server.credentials.key, server.credentials.secret) as livekit:
            # The second is to be waited for in vain, so not for long.
            found = await unmanned(livekit, RUN, [manned])
            missing = await unmanned(livekit, RUN, [nobodys], within_s=1.0)
            rooms = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
            return found, missing, [room.name for room in rooms if room.name.startswith("ringtime-2")]

    found, missing, rooms = asyncio.run(ask())

    assert found == []
    assert missing == [nobodys]
    assert rooms == []
