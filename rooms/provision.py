"""Trunks and dispatch rules on a LiveKit deployment, made for one run and removed after it."""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field

from google.protobuf.duration_pb2 import Duration
from livekit import api

RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")  # as run folders are named; all are of one length
_OURS = re.compile(rf"ringtime-(?P<run>{RUN_ID.pattern})-[a-z0-9-]+")  # nothing else is ever cleaned


@dataclass(frozen=True, slots=True)
class Route:
    """A number that callers dial and the agent that takes the call, for one arm."""

    arm: str
    number: str
    agent: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What callers must know to be let in."""

    user: str
    password: str = field(repr=False)


def name_of(run_id: str, arm: str = "") -> str:
    """What a trunk and a rule are called, and how the names of their calls' rooms begin."""
    return f"ringtime-{run_id}-{arm}"


@contextlib.asynccontextmanager
async def provisioned(
    livekit: api.LiveKitAPI,
    run_id: str,
    routes: Sequence[Route],
    *,
    digest: Digest | None = None,
    ringing_timeout_s: int | None = None,
) -> AsyncIterator[None]:
    """Make a trunk and a rule for each route, each call in a room of its own; delete them at the end.

    Without `ringing_timeout_s` the deployment's own applies (LiveKit: 3 minutes).

    Raises:
        api.ServerError: The deployment refused, for instance because another trunk has one of the numbers.
    """
    async with contextlib.AsyncExitStack() as made:
        for route in routes:
            name = name_of(run_id, route.arm)
            trunk_id = await _create_trunk(livekit, name, route.number, digest, ringing_timeout_s)
            made.push_async_callback(_delete_trunk, livekit, trunk_id)
            rule_id = await _create_rule(livekit, name, trunk_id, route)
            made.push_async_callback(_delete_rule, livekit, rule_id)
        yield


async def clean(livekit: api.LiveKitAPI, run_id: str | None = None, *, dry_run: bool = False) -> list[str]:
    """Delete the trunks and rules that runs (or the one named) have left behind; returns their names.

    Only what is named `ringtime-<run id>-<arm>` is touched. One that is gone already counts all the same.
    """
    rules = (await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items
    trunks = (await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
    found = []
    for rule in rules:
        if _is_ours(rule.name, run_id):
            found.append(f"rule {rule.name}")
            if not dry_run:
                await _delete_rule(livekit, rule.sip_dispatch_rule_id)
    for trunk in trunks:
        if _is_ours(trunk.name, run_id):
            found.append(f"trunk {trunk.name}")
            if not dry_run:
                await _delete_trunk(livekit, trunk.sip_trunk_id)
    return found


def _is_ours(name: str, run_id: str | None) -> bool:
    match = _OURS.fullmatch(name)
    return match is not None and run_id in (None, match["run"])


async def _create_trunk(
    livekit: api.LiveKitAPI, name: str, number: str, digest: Digest | None, ringing_timeout_s: int | None
) -> str:
    trunk = api.SIPInboundTrunkInfo(name=name, numbers=[number])
    if digest is not None:
        trunk.auth_username, trunk.auth_password = digest.user, digest.password
    if ringing_timeout_s is not None:
        trunk.ringing_timeout.CopyFrom(Duration(seconds=ringing_timeout_s))
    made = await livekit.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))
    return str(made.sip_trunk_id)


async def _create_rule(livekit: api.LiveKitAPI, name: str, trunk_id: str, route: Route) -> str:
    rule = api.SIPDispatchRuleInfo(
        name=name,
        trunk_ids=[trunk_id],
        rule=api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual(room_prefix=name)),
        room_config=api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=route.agent)]),
    )
    made = await livekit.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
    return str(made.sip_dispatch_rule_id)


async def _delete_trunk(livekit: api.LiveKitAPI, trunk_id: str) -> None:
    await forgiving_the_gone(livekit.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk_id)))


async def _delete_rule(livekit: api.LiveKitAPI, rule_id: str) -> None:
    await forgiving_the_gone(
        livekit.sip.delete_dispatch_rule(api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule_id))
    )


async def forgiving_the_gone(deletion: Awaitable[object]) -> None:
    """Do a deletion for which it is all the same whether there is anything left."""
    try:
        await deletion
    except api.ServerError as error:
        if error.code != api.ServerErrorCode.NOT_FOUND:
            raise
