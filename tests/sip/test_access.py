"""What a lab says of its emulated network, as the phones understand it."""

from network.emulation import Ports
from network.namespace import Namespace
from sip.access import ANY_PORTS, Access, Address, Block
from sip.lab_process import LabNetwork

WIRE = {
    "spec": "caller=wifi-congested+g114-150;agent=clean;settings=clean",
    "executor": "wire",
    "priority": "realtime",
    "profiles": [
        {"name": "wifi-congested", "first": "198.18.64.1", "count": 2045, "advertised": None},
        {"name": "g114-150", "first": "198.18.72.1", "count": 2045, "advertised": None},
    ],
    "ports": None,
    "namespace": {"network": "/proc/7/fd/3", "user": None},
}
RELAY = {
    **WIRE,
    "executor": "relay",
    "profiles": [
        {"name": "wifi-congested", "first": "127.96.16.1", "count": 32, "advertised": "127.96.24.1"}
    ],
    "ports": {"sip": 15060, "rtp": 14000, "rtp_count": 8},
    "namespace": None,
}


def test_a_wire_has_a_block_of_addresses_for_each_profile_in_its_namespace() -> None:
    """Any port will do there."""
    network = LabNetwork.of(WIRE)

    assert (network.executor, network.priority) == ("wire", "realtime")
    assert network.access == Access(
        (Block("wifi-congested", "198.18.64.1", 2045), Block("g114-150", "198.18.72.1", 2045)),
        ANY_PORTS,
        Namespace("/proc/7/fd/3"),
    )


def test_a_relay_s_callers_keep_to_ports_and_advertise_aliases() -> None:
    """They stay in the machine's own network."""
    access = LabNetwork.of(RELAY).access

    assert access.blocks == (Block("wifi-congested", "127.96.16.1", 32, "127.96.24.1"),)
    assert access.ports == Ports(sip=15060, rtp=14000, rtp_count=8)
    assert access.namespace is None


def test_fewer_callers_than_calls_at_once_are_said_beforehand() -> None:
    """A relay has some dozens for each profile, a wire two thousand."""
    relay, wire = LabNetwork.of(RELAY).access, LabNetwork.of(WIRE).access

    assert relay.shortfall(32) is None
    assert "has 32 callers under each profile and 33 calls" in (relay.shortfall(33) or "")
    assert wire.shortfall(4000) is None
    assert Access.plain("127.0.0.1").shortfall(4000) is None


def test_each_line_has_the_next_address_and_advertises_as_far_on_as_it_lives() -> None:
    """Until the block ends; one that all lines share is never used up."""
    relayed = Block("x", "127.96.16.1", 6, "127.96.24.1")

    assert relayed.addresses(4, 4) == (
        Address("127.96.16.5", "127.96.24.5"),
        Address("127.96.16.6", "127.96.24.6"),
    )
    assert Block("x", "198.18.64.254", 300).addresses(4, 1) == (Address("198.18.65.2"),)
    assert Block("clean", "").addresses(4, 4) == (Address(""),)


def test_lines_have_the_same_addresses_again_where_there_may_be_more_of_them() -> None:
    """A trunk of one's own is called by as many as are wanted, from the addresses that there are."""
    block = Block("clean", "127.0.0.2", 3, again=True)

    assert [address.bound for address in block.addresses(4, 4)] == [f"127.0.0.{n}" for n in (3, 4, 2, 3)]
    assert Access((block,)).shortfall(4000) is None


def test_the_parts_of_an_access_have_all_its_addresses_once() -> None:
    """Each says its own over a channel of messages; addresses that lines share anyway are every part's."""
    relayed = Block("x", "127.96.16.1", 7, "127.96.24.1")
    access = Access((relayed, Block("clean", "10.0.0.1"), Block("y", "127.0.0.2", 2, again=True)))

    parts = [Access.of(access.part(index, 3).announcement()) for index in range(3)]

    found = [address for part in parts for address in part.blocks[0].addresses(0, 9)]
    assert found == list(relayed.addresses(0, 7))
    assert [part.blocks[0].count for part in parts] == [2, 2, 3]
    assert {part.blocks[1:] for part in parts} == {access.blocks[1:]}
