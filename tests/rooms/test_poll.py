"""Facts about watching rooms by asking for them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import pytest
from livekit import api
from livekit.protocol import models

from lab.server import LiveKitServer
from rooms import poll as polling
from rooms.event import RoomEvent
from rooms.poll import Participants, Watch, changes, poll
from tests.rooms.stand_in import AUDIO, StandIn, an_agent, caller, standing_in
from tests.visitors import Visitors

RUN = "20260102T030405Z-abcdef"
CALL = f"{RUN}-7"

JOINING = models.ParticipantInfo(
    sid="PA_1",
    identity="agent-1",
    kind=models.ParticipantInfo.Kind.AGENT,
    state=models.ParticipantInfo.State.JOINED,
)
ACTIVE = models.ParticipantInfo(sid="PA_1", identity="agent-1", state=models.ParticipantInfo.State.ACTIVE)
SPEAKING = models.ParticipantInfo(
    sid="PA_1", identity="agent-1", state=models.ParticipantInfo.State.ACTIVE, tracks=[AUDIO]
)


def told(before: Participants, after: Participants) -> list[str]:
    """The names of the events between two moments."""
    return [event.event for event in changes("r", before, after)]


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ({}, {}, []),
        ({}, {"PA_1": JOINING}, []),
        ({"PA_1": JOINING}, {"PA_1": ACTIVE}, ["participant_joined"]),
        ({"PA_1": ACTIVE}, {"PA_1": SPEAKING}, ["track_published"]),
        ({}, {"PA_1": SPEAKING}, ["participant_joined", "track_published"]),
        ({"PA_1": SPEAKING}, {"PA_1": SPEAKING}, []),
        ({"PA_1": SPEAKING}, {}, ["participant_left"]),
    ],
)
def test_what_changed_is_told_in_the_order_of_webhooks(
    before: Participants, after: Participants, events: list[str]
) -> None:
    """A participant has joined when it is active."""
    assert told(before, after) == events


def test_a_participant_that_comes_again_under_its_name_is_another() -> None:
    """Participant ids tell a rejoin from a stay."""
    again = models.ParticipantInfo(sid="PA_2", identity="agent-1", state=models.ParticipantInfo.State.ACTIVE)

    assert told({"PA_1": ACTIVE}, {"PA_2": again}) == ["participant_joined", "participant_left"]


Story = Callable[[StandIn, Watch, list[RoomEvent]], Awaitable[None]]


def watch(
    story: Story, *, prefix: str | None = None, **rooms: list[models.ParticipantInfo]
) -> list[RoomEvent]:
    """What a watch of the run hands over while `story` goes on, on a deployment that has `rooms` before."""
    seen: list[RoomEvent] = []

    async def run() -> None:
        deployment = StandIn(rooms=dict(rooms))
        async with standing_in(deployment) as livekit:
            one = Watch(livekit, seen.append, run_id=RUN, prefix=prefix)
            await one.begin()
            await story(deployment, one, seen)

    asyncio.run(run())
    return seen


def names(seen: list[RoomEvent]) -> list[tuple[str, str | None]]:
    """The events, each with whom it is about."""
    return [(event.event, event.kind) for event in seen]


def test_a_call_is_followed_from_its_room_to_its_end() -> None:
    """Each event came after the last look that did not show it, and by the one that did."""

    async def story(deployment: StandIn, one: Watch, seen: list[RoomEvent]) -> None:
        deployment.rooms["r"] = [caller(CALL)]
        await one.look()
        deployment.rooms["r"] = [caller(CALL), an_agent(joining=True)]
        await one.look()
        deployment.rooms["r"] = [caller(CALL), an_agent(AUDIO)]
        between = time.time()
        await one.look()
        assert all(
            event.since_unix < between < event.received_unix for event in seen if event.kind == "agent"
        )
        del deployment.rooms["r"]
        await one.look()

    seen = watch(story)

    assert names(seen) == [
        ("room_started", None),
        ("participant_joined", "sip"),
        ("participant_joined", "agent"),
        ("track_published", "agent"),
        ("participant_left", "sip"),
        ("participant_left", "agent"),
        ("room_finished", None),
    ]
    assert {event.source for event in seen} == {"poll"}
    assert [event.call_id for event in seen if event.kind == "sip"] == [CALL, CALL]


def test_of_rooms_that_hold_no_call_of_the_run_nothing_is_handed_over() -> None:
    """Those that were there before are not even looked into, those of others once."""

    async def story(deployment: StandIn, one: Watch, _: list[RoomEvent]) -> None:
        deployment.rooms["theirs"] = [caller("20260102T030405Z-abcdee-7")]
        deployment.rooms["a-plain-call"] = [caller()]
        for _look in range(3):
            await one.look()
        del deployment.rooms["theirs"]
        await one.look()
        assert deployment.asked["ListParticipants"] == 2

    assert watch(story, before=[caller(CALL)]) == []


def test_a_room_that_shows_no_caller_for_long_is_somebody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A meeting of browsers costs no requests for ever."""
    monkeypatch.setattr(polling, "_OURS_WITHIN_S", 0.0)

    async def story(deployment: StandIn, one: Watch, _: list[RoomEvent]) -> None:
        deployment.rooms["meeting"] = [ACTIVE]
        for _look in range(3):
            await one.look()
        assert deployment.asked["ListParticipants"] == 1

    assert watch(story) == []


def test_rooms_of_the_runs_own_rules_are_known_by_their_names() -> None:
    """Also where a carrier has taken X-Lk-Test-Id away."""

    async def story(deployment: StandIn, one: Watch, _: list[RoomEvent]) -> None:
        deployment.rooms[f"ringtime-{RUN}-new_1"] = [caller()]
        deployment.rooms["ringtime-20260102T030405Z-abcdee-new_1"] = [caller(CALL)]
        await one.look()

    assert {event.room for event in watch(story, prefix=f"ringtime-{RUN}-")} == {f"ringtime-{RUN}-new_1"}


@pytest.mark.parametrize("end", [[caller(CALL), an_agent(AUDIO)], [an_agent()], []])
def test_a_call_that_waits_for_nothing_more_is_asked_for_no_more(end: list[models.ParticipantInfo]) -> None:
    """Its agent speaks, or its caller has gone."""

    async def story(deployment: StandIn, one: Watch, _: list[RoomEvent]) -> None:
        deployment.rooms["r"] = [caller(CALL)]
        assert await one.look() == 2
        deployment.rooms["r"] = end
        assert await one.look() == 2
        assert await one.look() == 1

    watch(story)


def test_a_caller_who_is_listed_as_joining_is_waited_for() -> None:
    """Listings lag: the agent may be heard of before the caller is active."""
    joining = caller(CALL)
    joining.state = models.ParticipantInfo.State.JOINED

    async def story(deployment: StandIn, one: Watch, _: list[RoomEvent]) -> None:
        deployment.rooms["r"] = [joining, an_agent(AUDIO)]
        await one.look()
        deployment.rooms["r"] = [caller(CALL), an_agent(AUDIO)]
        await one.look()

    assert ("participant_joined", "sip") in names(watch(story))


def test_a_job_without_an_agent_is_told_with_the_time_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once: a worker took it, whatever became of it."""
    monkeypatch.setattr(polling, "_JOBS_AFTER_S", 0.0)

    async def story(deployment: StandIn, one: Watch, _: list[RoomEvent]) -> None:
        deployment.rooms["r"] = [caller(CALL)]
        await one.look()
        deployment.jobs["r"] = 1_700_000_000_250_000_000
        await one.look()
        await one.look()
        assert deployment.asked["ListDispatch"] == 2

    (started,) = (event for event in watch(story) if event.event == "job_started")

    assert (started.kind, started.event_unix, started.room) == ("agent", 1_700_000_000.25, "r")


def test_a_deployment_that_refuses_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Longer each time, and what happened meanwhile is known to have happened since the last look."""
    monkeypatch.setattr(polling, "_PAUSES_S", (0.01, 0.02))
    seen: list[RoomEvent] = []

    async def run() -> None:
        deployment = StandIn()
        done = asyncio.Event()

        def take(event: RoomEvent) -> None:
            seen.append(event)
            done.set()

        async with standing_in(deployment) as livekit:
            one = Watch(livekit, take, run_id=RUN, prefix="r")
            await one.begin()
            deployment.status = 429
            asking = asyncio.ensure_future(poll(one, every_s=0.001))
            await deployment.until_asked("ListRooms", 4)
            deployment.rooms["r"] = []
            deployment.status = 200
            await asyncio.wait_for(done.wait(), 20)
            asking.cancel()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())

    waits = [record.args[0] for record in caplog.records if record.name == "rooms.poll" and record.args]
    assert waits[:3] == [0.01, 0.02, 0.02]
    assert seen[0].since_unix is not None
    assert seen[0].received_unix - seen[0].since_unix >= 0.03


def test_more_rooms_than_the_requests_suffice_for_are_asked_for_less_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The rate is kept, and a warning says how often they are."""
    asked = 0.0

    async def run() -> None:
        nonlocal asked
        deployment = StandIn(rooms={f"r{n}": [caller(CALL)] for n in range(9)})
        async with standing_in(deployment) as livekit:
            one = Watch(livekit, lambda _: None, run_id=RUN, prefix="r")
            began_s = time.monotonic()
            asking = asyncio.ensure_future(poll(one, every_s=0.001, requests_per_s=100))
            await deployment.until_asked("ListRooms", 4)
            # Three looks at nine rooms each have been paid for by then.
            asked = (deployment.asked.total() - 1) / (time.monotonic() - began_s)
            asking.cancel()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())

    assert asked <= 100
    assert "10 requests are needed for one look at all rooms: it comes every 0.1 s" in caplog.text


@pytest.mark.system
def test_a_participant_is_seen_to_come_and_go_on_a_real_server(
    server: LiveKitServer, visitors: Visitors
) -> None:
    """Rooms without the prefix stay out of sight."""
    seen: list[RoomEvent] = []

    async def visit(name: str) -> str:
        grants = api.VideoGrants(room_join=True, room=name)
        token = api.AccessToken(server.credentials.key, server.credentials.secret).with_identity("visitor")
        token = token.with_kind("sip").with_attributes({"lktest.id": CALL})
        return await asyncio.to_thread(visitors.join, server.url, token.with_grants(grants).to_jwt())

    async def run() -> None:
        credentials = server.credentials
        happened = {name: asyncio.Event() for name in ("participant_joined", "participant_left")}

        def take(event: RoomEvent) -> None:
            seen.append(event)
            happened.get(event.event, asyncio.Event()).set()

        async with api.LiveKitAPI(server.url, credentials.key, credentials.secret) as livekit:
            one = Watch(livekit, take, run_id=RUN, prefix="ringtime-")
            await one.begin()
            polling = asyncio.ensure_future(poll(one, every_s=0.05, requests_per_s=1000))
            elsewhere, watched = await visit("somebody-elses"), await visit("ringtime-1")
            await asyncio.wait_for(happened["participant_joined"].wait(), 20)
            await asyncio.to_thread(visitors.leave, watched)
            await asyncio.wait_for(happened["participant_left"].wait(), 20)
            await asyncio.to_thread(visitors.leave, elsewhere)
            polling.cancel()

    asyncio.run(run())

    assert [(event.room, event.event, event.kind, event.call_id) for event in seen] == [
        ("ringtime-1", "room_started", None, None),
        ("ringtime-1", "participant_joined", "sip", CALL),
        ("ringtime-1", "participant_left", "sip", CALL),
    ]
    joined = seen[1]
    assert joined.joined_unix is not None
    assert seen[0].since_unix is not None
    assert seen[0].since_unix - 0.001 <= joined.joined_unix <= joined.received_unix
