"""Which trunk and which dispatch rule a call belongs to, as LiveKit's SIP service decides it."""

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from livekit import api

from lab.trunk.messages import random_id


@dataclass(frozen=True, slots=True)
class Call:
    """What routing knows of a call."""

    from_user: str
    to_user: str
    source: str
    """Address the INVITE came from."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes; a missing trunk or rule means that nobody answers it."""

    trunk: api.SIPInboundTrunkInfo | None
    rule: api.SIPDispatchRuleInfo | None


async def find_route(livekit: api.LiveKitAPI, call: Call) -> Route:
    """Look the route of a call up among the trunks and rules the server has now.

    Raises:
        livekit.api.ServerError, aiohttp.ClientError: The server refused or could not be reached.
    """
    trunks, rules = await asyncio.gather(
        livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest()),
        livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest()),
    )
    trunk = choose_trunk(trunks.items, call)
    if trunk is None:
        return Route(None, None)
    return Route(trunk, choose_rule(rules.items, trunk.sip_trunk_id, call))


def choose_trunk(trunks: Sequence[api.SIPInboundTrunkInfo], call: Call) -> api.SIPInboundTrunkInfo | None:
    """The trunk that has the called number, else one that takes every number."""
    open_to_call = [
        trunk
        for trunk in trunks
        if (not trunk.allowed_numbers or _listed(call.from_user, trunk.allowed_numbers))
        and (not trunk.allowed_addresses or _inside(call.source, trunk.allowed_addresses))
    ]
    for trunk in open_to_call:
        if _listed(call.to_user, trunk.numbers):
            return trunk
    return next((trunk for trunk in open_to_call if not trunk.numbers), None)


def choose_rule(
    rules: Sequence[api.SIPDispatchRuleInfo], trunk_id: str, call: Call
) -> api.SIPDispatchRuleInfo | None:
    """The rule of this trunk that takes the call, else one of any trunk; never one that asks for a PIN."""
    fitting = [
        rule
        for rule in rules
        if (not rule.trunk_ids or trunk_id in rule.trunk_ids)
        and (not rule.numbers or _listed(call.to_user, rule.numbers))
        and (not rule.inbound_numbers or _listed(call.from_user, rule.inbound_numbers))
        and not _pin(rule.rule)
    ]
    fitting.sort(
        key=lambda rule: (not rule.trunk_ids, rule.rule.WhichOneof("rule") != "dispatch_rule_direct")
    )
    return fitting[0] if fitting else None


def room_name(rule: api.SIPDispatchRule, call: Call) -> str:
    """The room a dispatch rule puts this call in; a fresh one each time unless the rule is direct."""
    match rule.WhichOneof("rule"):
        case "dispatch_rule_direct":
            return rule.dispatch_rule_direct.room_name
        case "dispatch_rule_callee":
            callee = rule.dispatch_rule_callee
            parts = [callee.room_prefix, call.to_user, random_id(12) if callee.randomize else ""]
        case _:
            individual = rule.dispatch_rule_individual
            parts = [
                individual.room_prefix,
                call.from_user,
                "" if individual.no_randomness else random_id(12),
            ]
    return "_".join(part for part in parts if part)


def _pin(rule: api.SIPDispatchRule) -> str:
    kind = rule.WhichOneof("rule")
    return getattr(rule, kind).pin if kind else ""


def _listed(number: str, numbers: Sequence[str]) -> bool:
    return number.removeprefix("+") in (listed.removeprefix("+") for listed in numbers)


def _inside(address: str, networks: Sequence[str]) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(net, strict=False) for net in networks)
