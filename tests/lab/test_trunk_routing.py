"""Facts about which trunk and rule a call is given."""

from typing import Any

import pytest
from livekit import api

from lab.trunk.routing import Call, choose_rule, choose_trunk, room_name

CALL = Call(from_user="alice", to_user="+15550001", source="127.0.0.1")


def _trunk(name: str, **fields: Any) -> api.SIPInboundTrunkInfo:
    return api.SIPInboundTrunkInfo(sip_trunk_id=name, **fields)


def _rule(name: str, prefix: str = "p", **fields: Any) -> api.SIPDispatchRuleInfo:
    individual = api.SIPDispatchRuleIndividual(room_prefix=prefix)
    kind = fields.pop("rule", api.SIPDispatchRule(dispatch_rule_individual=individual))
    return api.SIPDispatchRuleInfo(sip_dispatch_rule_id=name, rule=kind, **fields)


@pytest.mark.parametrize("listed", ["+15550001", "15550001"])
@pytest.mark.parametrize("called", ["+15550001", "15550001"])
def test_a_plus_before_a_number_does_not_matter(listed: str, called: str) -> None:
    """Carriers write numbers both ways."""
    call = Call("alice", called, "127.0.0.1")

    assert choose_trunk([_trunk("T", numbers=[listed])], call) is not None


@pytest.mark.parametrize("called", ["0015550001", "+15550001;npdi", "5550001", ""])
def test_any_other_way_to_write_a_number_is_another_number(called: str) -> None:
    """livekit-sip compares the To user as it stands."""
    assert choose_trunk([_trunk("T", numbers=["+15550001"])], Call("a", called, "127.0.0.1")) is None


def test_a_trunk_with_the_number_comes_before_one_for_all_numbers() -> None:
    """The order of the list does not decide."""
    trunks = [_trunk("all"), _trunk("mine", numbers=["+15550001"])]

    chosen = choose_trunk(trunks, CALL)

    assert chosen is not None
    assert chosen.sip_trunk_id == "mine"


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"allowed_numbers": ["alice"]}, True),
        ({"allowed_numbers": ["bob"]}, False),
        ({"allowed_addresses": ["127.0.0.0/8"]}, True),
        ({"allowed_addresses": ["10.0.0.1"]}, False),
    ],
)
def test_a_trunk_takes_calls_only_from_whom_it_allows(fields: dict[str, list[str]], taken: bool) -> None:
    """By the From user and by the address the INVITE came from."""
    assert (choose_trunk([_trunk("T", numbers=["+15550001"], **fields)], CALL) is not None) is taken


def test_a_rule_of_the_trunk_comes_before_one_of_any_trunk() -> None:
    """And a rule of another trunk is none."""
    rules = [_rule("any"), _rule("other", trunk_ids=["U"]), _rule("mine", trunk_ids=["T"])]

    chosen = choose_rule(rules, "T", CALL)

    assert chosen is not None
    assert chosen.sip_dispatch_rule_id == "mine"
    assert choose_rule(rules[1:2], "T", CALL) is None


def test_a_rule_that_asks_for_a_pin_is_passed_over() -> None:
    """Nobody is there to type it."""
    direct = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="r", pin="1"))

    assert choose_rule([_rule("pin", rule=direct)], "T", CALL) is None


def test_an_individual_rule_gives_each_call_a_room_of_its_own() -> None:
    """Prefix, caller and twelve letters and digits that differ."""
    rule = _rule("R", prefix="calls").rule

    first, second = room_name(rule, CALL), room_name(rule, CALL)

    assert first != second
    assert first.startswith("calls_alice_")
    assert len(first) == len("calls_alice_") + 12


def test_a_direct_rule_names_the_room() -> None:
    """The same for every call."""
    rule = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="lobby"))

    assert room_name(rule, CALL) == "lobby"
