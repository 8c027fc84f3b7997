"""Facts about trunks and rules made for a run, on a real livekit-server."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from livekit import api

from lab.server import LiveKitServer
from rooms.__main__ import main
from rooms.provision import Digest, Route, clean, provisioned

pytestmark = pytest.mark.system

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
        async with provisioned(livekit, "run-1", ROUTES):
            bounded, unbounded = await trunks(livekit)
            rule, other = await rules(livekit)

            assert (bounded.name, list(bounded.numbers)) == ("ringtime-run-1-bounded", ["+15550100002"])
            assert (unbounded.name, list(unbounded.numbers)) == ("ringtime-run-1-unbounded", ["+15550100001"])
            assert list(rule.trunk_ids) == [bounded.sip_trunk_id]
            assert rule.room_config.agents[0].agent_name == "agent-b"
            assert rule.rule.dispatch_rule_individual.room_prefix == "ringtime-bounded"
            assert other.room_config.agents[0].agent_name == "agent-a"

    on(server, work)


def test_a_trunk_can_ask_for_a_password_and_ring_for_a_time(server: LiveKitServer) -> None:
    """Digest credentials and the ring timeout reach the trunk."""

    async def work(livekit: api.LiveKitAPI) -> None:
        digest = Digest("carrier", "open sesame")
        async with provisioned(livekit, "run-2", ROUTES[:1], digest=digest, ringing_timeout_s=30):
            (trunk,) = await trunks(livekit)
            assert trunk.auth_username == "carrier"
            assert trunk.ringing_timeout.seconds == 30

    on(server, work)


def test_everything_is_removed_when_the_run_fails(server: LiveKitServer) -> None:
    """An exception passes through and leaves nothing behind."""

    async def fail(livekit: api.LiveKitAPI) -> None:
        async with provisioned(livekit, "run-3", ROUTES):
            raise ValueError("the run failed")

    async def work(livekit: api.LiveKitAPI) -> None:
        with pytest.raises(ValueError, match="the run failed"):
            await fail(livekit)

    on(server, work)


def test_what_was_made_is_removed_when_the_rest_is_refused(server: LiveKitServer) -> None:
    """A number that another trunk has is refused, and the trunk made before goes again."""

    async def work(livekit: api.LiveKitAPI) -> None:
        async with provisioned(livekit, "run-4", ROUTES[1:]):
            with pytest.raises(api.ServerError):
                async with provisioned(livekit, "run-5", ROUTES):
                    pytest.fail("the number is taken")
            assert [trunk.name for trunk in await trunks(livekit)] == ["ringtime-run-4-bounded"]

    on(server, work)


def test_what_is_gone_already_is_not_missed(server: LiveKitServer) -> None:
    """Somebody may have cleaned up before the run's end."""

    async def work(livekit: api.LiveKitAPI) -> None:
        async with provisioned(livekit, "run-6", ROUTES):
            await clean(livekit)

    on(server, work)


def test_cleaning_removes_what_bears_this_programs_name_and_nothing_else(server: LiveKitServer) -> None:
    """A trunk of somebody else stays; a run can be named."""

    async def work(livekit: api.LiveKitAPI) -> None:
        theirs = api.SIPInboundTrunkInfo(name="production", numbers=["+15550109999"])
        kept = await livekit.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=theirs))
        async with provisioned(livekit, "run-7", ROUTES[:1]), provisioned(livekit, "run-8", ROUTES[1:]):
            assert await clean(livekit, "run-7") == [
                "rule ringtime-run-7-unbounded",
                "trunk ringtime-run-7-unbounded",
            ]
            assert await clean(livekit) == ["rule ringtime-run-8-bounded", "trunk ringtime-run-8-bounded"]
            assert [trunk.name for trunk in await trunks(livekit)] == ["production"]
        await livekit.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=kept.sip_trunk_id))

    on(server, work)


def test_a_password_is_not_shown() -> None:
    """It is left out of the representation that reaches logs and assertion messages."""
    assert "sesame" not in repr(Digest("carrier", "open sesame"))


def test_the_command_says_what_it_removed(
    server: LiveKitServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m rooms clean` takes the deployment from the environment and names each thing it removes."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)

    assert main(["clean"]) == 0
    assert capsys.readouterr().out == "nothing to remove\n"
