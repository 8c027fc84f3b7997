"""A NAT that rebinds flows: what it may do to whom, by its own account and on the wire."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import language
from network.executor import Wire, missing_for_wire
from network.ledger import summary
from network.model import Link
from network.nat import Mappings
from network.packet import UDP
from network.profile import Direction, Leg, Nat, Rebind, Selection, Traffic
from tests.network.conversation import converse

LACKING = missing_for_wire()
NEAR, FAR = bytes((198, 18, 64, 1)), bytes((198, 18, 0, 1))


def flow(near_port: int, far_port: int = 10_000) -> bytes:
    """A flow between the two ends, from the near one."""
    return NEAR + FAR + near_port.to_bytes(2) + far_port.to_bytes(2)


def back(one: bytes) -> bytes:
    """The same flow in the other direction."""
    return one[4:8] + one[:4] + one[10:12] + one[8:10]


def mappings(after_s: float = 2, *, seed: int = 1, **rebind: object) -> Mappings:
    """Those of a NAT that rebinds so."""
    return Mappings(Nat(rebind=Rebind(after_s=after_s, **rebind)), key=str(seed))  # type: ignore[arg-type]


def outward(nat: Mappings, at_s: float, one: bytes, traffic: Traffic = Traffic.MEDIA) -> bytes:
    """The flow as the far end sees it."""
    seen = nat.translate(at_s, Direction.UP, one, traffic)
    assert seen is not None
    return seen


@given(
    after_s=st.floats(0, 30),
    every_s=st.floats(1, 30),
    seed=st.integers(),
    ports=st.lists(st.integers(1, 65535), min_size=1, max_size=6, unique=True),
    gaps_s=st.lists(st.floats(0, 9), min_size=1, max_size=30),
)
def test_an_answer_to_the_latest_packet_comes_back_and_one_to_an_earlier_port_does_not(
    after_s: float, every_s: float, seed: int, ports: list[int], gaps_s: list[float]
) -> None:
    """However many flows there are, none is taken for another, and only ports of the near end change."""
    nat, at_s, seen = mappings(after_s, seed=seed, every_s=every_s), 0.0, dict[bytes, list[bytes]]()
    for gap_s in gaps_s:
        at_s += gap_s
        for one in map(flow, ports):
            outside = outward(nat, at_s, one)
            assert outside[:8] + outside[10:] == one[:8] + one[10:]
            seen.setdefault(one, []).append(outside)
        assert len({each[-1] for each in seen.values()}) == len(ports)
        for one, those in seen.items():
            assert nat.translate(at_s, Direction.DOWN, back(those[-1]), Traffic.MEDIA) == back(one)
            for former in set(those[-8:]) - {those[-1]}:
                assert nat.translate(at_s, Direction.DOWN, back(former), Traffic.MEDIA) is None


def test_a_flow_is_bound_anew_so_long_after_its_own_first_packet_and_again() -> None:
    """Each flow has its own time; what happened before it does not count."""
    nat = mappings(2, every_s=5)
    first = [outward(nat, at_s, flow(4000)) for at_s in (10.0, 11.9, 12.0, 16.9, 17.0)]
    assert [later != earlier for earlier, later in pairwise(first)] == [False, True, False, True]
    assert first[0] == flow(4000)
    assert outward(nat, 17.0, flow(4002)) == flow(4002)


def test_only_the_flows_of_the_traffic_named_are_touched_and_those_whole() -> None:
    """A keep-alive of a SIP flow goes where its SIP goes; media is left alone."""
    nat = mappings(0, traffic=Selection.SIGNALLING)
    assert outward(nat, 0.0, flow(4000)) == flow(4000)
    sip = outward(nat, 0.0, flow(5060), Traffic.SIP)
    assert sip != flow(5060)
    assert outward(nat, 1.0, flow(5060), Traffic.UDP) == sip


def test_until_the_near_end_has_spoken_nothing_is_changed() -> None:
    """What the far end sends first reaches the port that it was sent to."""
    nat = mappings(0)
    assert nat.translate(0.0, Direction.DOWN, back(flow(4000)), Traffic.MEDIA) == back(flow(4000))


def test_a_flow_that_was_silent_for_long_begins_anew() -> None:
    """Its mapping is given up, and its port is free."""
    nat = mappings(1)
    outward(nat, 0.0, flow(4000))
    former = outward(nat, 5.0, flow(4000))
    nat.forget(5.1)
    assert outward(nat, 200.0, flow(4000)) == flow(4000)
    assert nat.translate(200.0, Direction.DOWN, back(former), Traffic.MEDIA) == back(former)


def test_the_same_seed_gives_the_same_ports() -> None:
    """A run can be had again."""
    assert len({outward(mappings(0, seed=seed), 0.0, flow(4000)) for seed in (1, 1, 2)}) == 2


def test_a_link_counts_what_was_sent_to_a_port_given_up() -> None:
    """For one who goes on sending to where the SDP said, nothing arrives from the moment on."""
    link = Link(language.load("nat-rebind"), seed=1)
    came = dict.fromkeys(Direction, 0)
    for turn in range(200):
        for direction, one in ((Direction.UP, flow(4000)), (Direction.DOWN, back(flow(4000)))):
            came[direction] += bool(link.release(direction, turn * 0.02, 200, (UDP, one), Traffic.MEDIA))
    assert came == {Direction.UP: 200, Direction.DOWN: 100}
    assert (link.down.tally.unmapped, link.down.tally.dropped, link.up.tally.dropped) == (100, 100, 0)


@pytest.mark.system
@pytest.mark.skipif(bool(LACKING), reason="; ".join(LACKING))
def test_on_the_wire_who_answers_to_where_a_packet_came_from_is_heard_and_who_does_not_is_not(
    tmp_path: Path,
) -> None:
    """Real sockets, whose kernels check every checksum; datagrams in fragments change their port as well."""
    answer = """
    import socket
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("198.18.0.1", 5060))
        print("listening", flush=True)
        large, seen = udp.recvfrom(9000)
        assert seen[0] == "198.18.70.3" and seen[1] != 5062, seen
        udp.sendto(b"to the port that the caller knows", ("198.18.70.3", 5062))
        udp.sendto(large, seen)
    """
    call = """
    import random, socket
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("198.18.70.3", 5062))
        udp.settimeout(20)
        large = random.Random(1).randbytes(4000)
        udp.sendto(large, ("198.18.0.1", 5060))
        assert udp.recvfrom(9000) == (large, ("198.18.0.1", 5060))
    """
    path = tmp_path / "at-once.toml"
    path.write_text('title = "A"\nsource = "B"\n[nat]\nrebind = { after_s = 0 }')
    with Wire(str(path), seed=1) as wire:
        wire.begin()
        converse(wire, core=answer, caller=call)


@pytest.mark.system
@pytest.mark.skipif(bool(LACKING), reason="; ".join(LACKING))
def test_what_is_lost_to_a_rebind_on_the_wire_is_the_models_drop_for_drop() -> None:
    """A far end that goes on as the SDP said is cut off from 2 s on, packet by packet as foretold."""
    with Wire("nat-rebind", seed=1) as wire:
        wire.begin()
        passages = wire.measure(Leg.CALLER, flows=5, for_s=3)
    found = {way: summary([each for each in passages if each.direction is way]) for way in Direction}
    assert found[Direction.UP]["lost"] == 0
    assert found[Direction.DOWN]["lost"] == pytest.approx(250, abs=5)
    assert sum(each["not_as_asked"] for each in found.values()) <= 5  # at the moment itself, one a flow
