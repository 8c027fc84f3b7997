"""The commands of `tc` for a leg: a queue for whom it takes, passed by until it begins."""

import pytest

from network import netem_tree, spec
from network.profile import Direction, Leg
from network.topology import MOST_CALLERS


def lines(network: str, leg: Leg, direction: Direction) -> list[str]:
    """What the device of a leg is told."""
    profiles = spec.choose(network).legs[leg]
    return list(netem_tree.preparation("access", direction, profiles, netem_tree.queues(leg, profiles)))


def test_packets_that_have_nothing_to_do_with_each_other_share_a_queue() -> None:
    """All callers under a profile are in one, found by their block of addresses, the probe's among them."""
    assert lines("g114-150+g114-400", Leg.CALLER, Direction.UP) == [
        "qdisc add dev access root handle 1: mq",
        "qdisc add dev access parent 1:1 pfifo limit 10000",
        "qdisc add dev access clsact",
        "filter add dev access egress pref 1 protocol all matchall action skbedit queue_mapping 0",
        "filter add dev access egress pref 3 protocol all matchall action drop",
        "qdisc add dev access parent 1:2 netem limit 30000 delay 150ms",
        (
            "filter add dev access egress pref 2 protocol ip flower src_ip 198.18.64.0/21 "
            "action skbedit queue_mapping 1"
        ),
        "qdisc add dev access parent 1:3 netem limit 80000 delay 400ms",
        (
            "filter add dev access egress pref 2 protocol ip flower src_ip 198.18.72.0/21 "
            "action skbedit queue_mapping 2"
        ),
    ]


def test_bursts_need_a_queue_for_each_caller() -> None:
    """By its address, towards it as well; the last is the probe's, which has one of its own."""
    found = lines("burst-loss-5", Leg.CALLER, Direction.DOWN)
    assert len(found) == 5 + 2 * (netem_tree.MOST_QUEUES + 1)
    assert found[5:9] == [
        "qdisc add dev access parent 1:2 netem limit 1000 delay 30ms loss gemodel 1.0526316% 20%",
        (
            "filter add dev access egress pref 2 protocol ip flower dst_ip 198.18.64.1/32 "
            "action skbedit queue_mapping 1"
        ),
        "qdisc add dev access parent 1:3 netem limit 1000 delay 30ms loss gemodel 1.0526316% 20%",
        (
            "filter add dev access egress pref 2 protocol ip flower dst_ip 198.18.64.2/32 "
            "action skbedit queue_mapping 2"
        ),
    ]
    assert "dst_ip 198.18.71.254/32 action skbedit queue_mapping 1001" in found[-1]
    assert "parent 1:3ea netem" in found[-2]


def test_an_agents_leg_is_one_queue() -> None:
    """Whatever address there its packets have."""
    assert lines("agent=g114-150", Leg.AGENT, Direction.UP)[-1] == (
        "filter add dev access egress pref 2 protocol ip flower src_ip 198.19.0.0/18 "
        "action skbedit queue_mapping 1"
    )


def test_a_clean_leg_has_a_queue_too() -> None:
    """So that its packets are counted."""
    assert lines("agent=g114-150", Leg.CALLER, Direction.UP)[-2] == (
        "qdisc add dev access parent 1:2 netem limit 1000"
    )


def test_it_begins_with_one_command_a_device() -> None:
    """So every caller's queue is in force from the same moment."""
    assert netem_tree.begin("access") == "filter del dev access egress pref 1"


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("g114-150", [MOST_CALLERS]),
        ("burst-loss-5", [1000]),
        ("burst-loss-5+g114-150", [500, MOST_CALLERS]),
    ],
)
def test_there_are_as_many_callers_as_there_are_queues(network: str, expected: list[int]) -> None:
    """Profiles share a device's queues; one that needs but one has room for all its addresses."""
    profiles = spec.choose(network).legs[Leg.CALLER]
    assert [netem_tree.callers(profiles, number) for number in range(len(profiles))] == expected
