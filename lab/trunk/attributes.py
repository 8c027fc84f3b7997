"""What a SIP participant says of its call in its attributes, as livekit-sip writes them."""

from aiosipua import SipRequest
from livekit import api

from lab.trunk.messages import host, tag
from lab.trunk.routing import Call

TEST_ID_HEADER = "X-Lk-Test-Id"
"""Becomes attribute `lktest.id` without being asked to: LiveKit's own key to find a test call by."""


def attributes(
    invite: SipRequest,
    call: Call,
    trunk: api.SIPInboundTrunkInfo,
    rule: api.SIPDispatchRuleInfo,
    *,
    to_tag: str,
) -> dict[str, str]:
    """The attributes of a call that begins to ring."""
    caller = invite.headers.get_first("From")
    made = {
        "sip.callID": to_tag,
        "sip.callIDFull": invite.headers.get_first("Call-ID") or "",
        "sip.callTag": tag(caller),
        "sip.callStatus": "ringing",
        "sip.phoneNumber": call.from_user,
        "sip.trunkPhoneNumber": call.to_user,
        "sip.trunkID": trunk.sip_trunk_id,
        "sip.ruleID": rule.sip_dispatch_rule_id,
        "sip.hostname": host(caller),
    }
    made.update(rule.attributes)
    for name, values in invite.headers.items():
        key = name.lower()
        if trunk.include_headers == api.SIP_ALL_HEADERS or (
            trunk.include_headers == api.SIP_X_HEADERS and key.startswith("x-")
        ):
            made[f"sip.h.{key}"] = ", ".join(values)
    if "sip.h.to" in made and not tag(made["sip.h.to"]):
        made["sip.h.to"] += f";tag={to_tag}"
    for name, attribute in {TEST_ID_HEADER: "lktest.id", **trunk.headers_to_attributes}.items():
        value = invite.headers.get_first(name)
        if value is not None:
            made[attribute] = value
    return made
