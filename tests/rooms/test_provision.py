"""Facts about trunks and rules made for a run, on a real livekit-server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from livekit import api

from lab.server import LiveKitServer
from rooms.provision import Digest, Route, clean, provisioned

pytestmark = pytest.mark.system

RUNS = [f"20260102T03040{n}Z-abcdef" for n in range(10)]
ROUTES = [Route("unbounded", "+15550100001", "agent-a"), Route("bounded", "+15550100002", "agent-b")]


def on(server: LiveKitServer, work: Callable[[api.LiveKitAPI], Awaitable[None]]) -> None:
    """Do work on a server that holds no trunk before and after."""

    async def run() -> None:
        async with api.LiveKitAPI(server.url, server.credentials.key, server.credentials.secret) as livekit:
            await work(livekit)
            assert await trunks(livekit) == []
            assert await rules(livekit) == []

    asyncio.run(run())


async def trunks(livekit: api.LiveKitAPI) -> list[api.SIPInboundTrunkInfo]:
    """Its trunks, in order of their names."""
    found = (await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
    return sorted(found, key=lambda trunk: trunk.name)


async def rules(livekit: api.LiveKitAPI) -> list[api.SIPDispatchRuleInfo]:
    """Its dispatch rules, in order of their names."""
    found = (await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items
    return sorted(found, key=lambda rule: rule.name)


def test_each_arm_gets_its_number_and_its_agent(server: LiveKitServer) -> None:
    """Rule and trunk belong together, and the call gets a room of its own."""

    async def work(livekit: api.LiveKitAPI) -> None:
        async with provisioned(livekit, RUNS[1], ROUTES):
            bounded, unbounded = await trunks(livekit)
            rule, other = await rules(livekit)

            assert (bounded.name, list(bounded.numbers)) == (f"ringtime-{RUNS[1]}-bounded", ["+15550100002"])
            assert (unbounded.name, list(unbounded.numbers)) == (
                f"ringtime-{RUNS[1]}-unbounded",
                ["+15550100001"],
            )
            assert list(rule.trunk_ids) == [bounded.sip_trunk_id]
            assert rule.room_config.agents[0].agent_name == "agent-b"
            assert rule.rule.dispatch_rule_individual.room_prefix == f"ringtime-{RUNS[1]}-bounded"
            assert other.room_config.agents[0].agent_name == "agent-a"

    on(server, work)


def test_a_trunk_can_ask_for_a_password_and_ring_for_a_time(server: LiveKitServer) -> None:
    """Digest credentials and the ring timeout reach the trunk."""

    async def work(livekit: api.LiveKitAPI) -> None:
        digest = Digest("carrier", "open sesame")
        async with provisioned(livekit, RUNS[2], ROUTES[:1], digest=digest, ringing_timeout_s=30):
            (trunk,) = await trunks(livekit)
            assert trunk.auth_username == "carrier"
            assert trunk.ringing_timeout.seconds == 30

    on(server, work)


def test_everything_is_removed_when_the_run_fails(server: LiveKitServer) -> None:
    """An exception passes through and leaves nothing behind."""

    async def fail(livekit: api.LiveKitAPI) -> None:
        async with provisioned(livekit, RUNS[3], ROUTES):
            raise ValueError("the run failed")

    async def work(livekit: api.LiveKitAPI) -> None:
        with pytest.raises(ValueError, match="the run failed"):
            await fail(livekit)

    on(server, work)


def test_what_was_made_is_removed_when_the_rest_is_refused(server: LiveKitServer) -> None:
    """A number that another trunk has is refused, and the trunk made before goes again."""

    async def work(livekit: api.LiveKitAPI) -> None:
        async with provisioned(livekit, RUNS[4], ROUTES[1:]):
            with pytest.raises(api.ServerError):
                async with provisioned(livekit, RUNS[5], ROUTES):
                    pytest.fail("the number is taken")
            assert [trunk.name for trunk in await trunks(livekit)] == [f"ringtime-{RUNS[4]}-bounded"]

    on(server, work)


def test_what_is_gone_already_is_not_missed(server: LiveKitServer) -> None:
    """Somebody may have cleaned up before the run's end."""

    async def work(livekit: api.LiveKitAPI) -> None:
        async with provisioned(livekit, RUNS[6], ROUTES):
            await clean(livekit)

    on(server, work)


SIMILAR = [
    "production",
    "ringtime",
    "ringtime-",
    "ringtime-production",
    f"ringtime-{RUNS[7]}",
    f"ringtime-{RUNS[7]}-",
    f"ringtime-{RUNS[7]}-New",
    f"ringtime-{RUNS[7]}0-new",
    f"ringtime-{RUNS[7]}_new",
    f"my-ringtime-{RUNS[7]}-new",
    f"ringtime-{RUNS[7]}-new ",
    f"Ringtime-{RUNS[7]}-new",
    "ringtime-20260102T030407Z-ABCDEF-new",
]
"""Names that are not `ringtime-<run id>-<arm>`, however near."""


def test_cleaning_removes_what_bears_this_programs_name_and_nothing_else(server: LiveKitServer) -> None:
    """Somebody else's trunks and rules stay, however similar their names; a run can be named."""

    async def work(livekit: api.LiveKitAPI) -> None:
        async with theirs(livekit):
            async with provisioned(livekit, RUNS[7], ROUTES[:1]), provisioned(livekit, RUNS[8], ROUTES[1:]):
                wanted = [f"rule ringtime-{RUNS[7]}-unbounded", f"trunk ringtime-{RUNS[7]}-unbounded"]
                assert await clean(livekit, RUNS[7], dry_run=True) == wanted
                assert len(await trunks(livekit)) == len(SIMILAR) + 2
                assert await clean(livekit, RUNS[7]) == wanted
                assert await clean(livekit, RUNS[7]) == []
                assert await clean(livekit) == [
                    f"rule ringtime-{RUNS[8]}-bounded",
                    f"trunk ringtime-{RUNS[8]}-bounded",
                ]
                assert await clean(livekit) == []
            assert {trunk.name for trunk in await trunks(livekit)} == set(SIMILAR)
            assert {rule.name for rule in await rules(livekit)} == set(SIMILAR)

    on(server, work)


@contextlib.asynccontextmanager
async def theirs(livekit: api.LiveKitAPI) -> AsyncIterator[None]:
    """Trunks and rules of somebody else."""
    async with contextlib.AsyncExitStack() as made:
        for number, name in enumerate(SIMILAR):
            trunk = api.SIPInboundTrunkInfo(name=name, numbers=[f"+1555019{number:04d}"])
            kept = await livekit.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))
            made.push_async_callback(
                livekit.sip.delete_trunk, api.DeleteSIPTrunkRequest(sip_trunk_id=kept.sip_trunk_id)
            )
            rule = api.SIPDispatchRuleInfo(
                name=name,
                trunk_ids=[kept.sip_trunk_id],
                rule=api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual()),
            )
            ruled = await livekit.sip.create_dispatch_rule(
                api.CreateSIPDispatchRuleRequest(dispatch_rule=rule)
            )
            made.push_async_callback(
                livekit.sip.delete_dispatch_rule,
                api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=ruled.sip_dispatch_rule_id),
            )
        yield


def test_a_password_is_not_shown() -> None:
    """It is left out of the representation that reaches logs and assertion messages."""
    assert "sesame" not in repr(Digest("carrier", "open sesame"))
