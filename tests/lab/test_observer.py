"""Facts about what watches the rooms of a lab."""

import asyncio
import json
from pathlib import Path

import pytest
from livekit import api

from lab.observer import start_observer
from lab.process import free_port
from lab.server import LiveKitServer
from rooms.clock import Offset

RUN = "a-lab"


@pytest.mark.system
def test_rooms_that_are_asked_for_are_those_of_the_labs_own_rules(
    livekit: LiveKitServer, tmp_path: Path
) -> None:
    """They are known by their names, and the times are of this host's clock."""
    (tmp_path / RUN).mkdir()
    observer = start_observer("poll", tmp_path / RUN, tmp_path, livekit, free_port())
    assert observer is not None
    out = tmp_path / RUN / "room-events.jsonl"

    async def visit() -> Offset:
        async with api.LiveKitAPI(livekit.url, livekit.credentials.key, livekit.credentials.secret) as client:
            offset = await observer.ready(timeout_s=30)
            for name in ("somebody-elses", f"ringtime-{RUN}-new_1"):
                await client.room.create_room(api.CreateRoomRequest(name=name))
            while not out.read_text():  # noqa: ASYNC110 - a file wakes nobody
                await asyncio.sleep(0.02)
            return offset

    with observer.child:
        offset = asyncio.run(asyncio.wait_for(visit(), 60))

    assert offset == Offset(0.0, 0.0)
    (line,) = (json.loads(text) for text in out.read_text().splitlines())
    assert (line["event"], line["room"], line["source"]) == ("room_started", f"ringtime-{RUN}-new_1", "poll")


@pytest.mark.system
def test_an_observer_of_webhooks_tells_how_far_its_clock_is(livekit: LiveKitServer, tmp_path: Path) -> None:
    """It is a process of this host: hardly."""
    observer = start_observer("webhook", tmp_path, tmp_path, livekit, free_port())
    assert observer is not None

    with observer.child:
        offset = asyncio.run(observer.ready(timeout_s=30))

    assert abs(offset.offset_s) <= offset.error_s < 1


@pytest.mark.system
def test_rooms_need_not_be_watched(livekit: LiveKitServer, tmp_path: Path) -> None:
    """Then there is no process."""
    assert start_observer("off", tmp_path, tmp_path, livekit, 0) is None
