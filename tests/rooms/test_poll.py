"""Facts about watching rooms by asking for them."""

import asyncio
from typing import Any

import pytest
from livekit import api, rtc
from livekit.protocol import models

from lab.server import LiveKitServer
from rooms.poll import Rooms, changes, poll

JOINING = models.ParticipantInfo(
    sid="PA_1",
    identity="agent-1",
    kind=models.ParticipantInfo.Kind.AGENT,
    state=models.ParticipantInfo.State.JOINED,
)
ACTIVE = models.ParticipantInfo(sid="PA_1", identity="agent-1", state=models.ParticipantInfo.State.ACTIVE)
SPEAKING = models.ParticipantInfo(
    sid="PA_1",
    identity="agent-1",
    state=models.ParticipantInfo.State.ACTIVE,
    tracks=[models.TrackInfo(sid="TR_1", type=models.TrackType.AUDIO)],
)


def told(before: Rooms, after: Rooms) -> list[str]:
    """The names of the events between two moments."""
    return [event.event for event in changes(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ({}, {}, []),
        ({}, {"r": {}}, ["room_started"]),
        ({}, {"r": {"PA_1": JOINING}}, ["room_started"]),
        ({"r": {"PA_1": JOINING}}, {"r": {"PA_1": ACTIVE}}, ["participant_joined"]),
        ({"r": {"PA_1": ACTIVE}}, {"r": {"PA_1": SPEAKING}}, ["track_published"]),
        ({}, {"r": {"PA_1": SPEAKING}}, ["room_started", "participant_joined", "track_published"]),
        ({"r": {"PA_1": SPEAKING}}, {"r": {"PA_1": SPEAKING}}, []),
        ({"r": {"PA_1": SPEAKING}}, {"r": {}}, ["participant_left"]),
        ({"r": {"PA_1": SPEAKING}}, {}, ["participant_left", "room_finished"]),
    ],
)
def test_what_changed_is_told_in_the_order_of_webhooks(
    before: Rooms, after: Rooms, events: list[str]
) -> None:
    """A participant has joined when it is active, and leaves with its room."""
    assert told(before, after) == events


def test_a_participant_that_comes_again_under_its_name_is_another() -> None:
    """Participant ids tell a rejoin from a stay."""
    again = models.ParticipantInfo(sid="PA_2", identity="agent-1", state=models.ParticipantInfo.State.ACTIVE)

    assert told({"r": {"PA_1": ACTIVE}}, {"r": {"PA_2": again}}) == ["participant_joined", "participant_left"]


@pytest.mark.system
def test_a_participant_is_seen_to_come_and_go_on_a_real_server(server: LiveKitServer) -> None:
    """Rooms without the prefix stay out of sight."""
    seen: list[dict[str, Any]] = []

    async def visit(name: str) -> rtc.Room:
        grants = api.VideoGrants(room_join=True, room=name)
        token = api.AccessToken(server.credentials.key, server.credentials.secret).with_identity("visitor")
        room = rtc.Room()
        await room.connect(server.url, token.with_grants(grants).to_jwt())
        return room

    async def run() -> None:
        credentials = server.credentials
        happened = {name: asyncio.Event() for name in ("participant_joined", "participant_left")}

        def take(record: dict[str, Any]) -> None:
            seen.append(record)
            happened.get(record["event"], asyncio.Event()).set()

        async with api.LiveKitAPI(server.url, credentials.key, credentials.secret) as livekit:
            polling = asyncio.ensure_future(poll(livekit, take, prefix="ringtime-", every_s=0.05))
            elsewhere, watched = await visit("somebody-elses"), await visit("ringtime-1")
            await asyncio.wait_for(happened["participant_joined"].wait(), 20)
            await watched.disconnect()
            await asyncio.wait_for(happened["participant_left"].wait(), 20)
            await elsewhere.disconnect()
            polling.cancel()

    asyncio.run(run())

    assert [(record["room"], record["event"], record["source"]) for record in seen] == [
        ("ringtime-1", "room_started", "poll"),
        ("ringtime-1", "participant_joined", "poll"),
        ("ringtime-1", "participant_left", "poll"),
    ]
