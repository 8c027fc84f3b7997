"""Places, addresses and routes of a run on one machine."""

from ipaddress import IPv4Address

import pytest

from network import topology
from network.profile import Leg
from network.spec import MOST_PROFILES
from network.topology import Place


def test_every_caller_has_an_address_that_tells_its_profile() -> None:
    """The first and the last of each profile's callers, and all are different."""
    seen: set[IPv4Address] = set()
    for profile in range(MOST_PROFILES):
        for number in (0, 1, 2000):
            address = topology.caller(number, profile=profile)
            assert topology.profile_number(address.packed) == profile
            assert address in topology.CALLERS
            seen.add(address)
        probe = topology.probe(Leg.CALLER, profile=profile)
        assert topology.profile_number(probe.packed) == profile
        seen.add(probe)
    assert len(seen) == 4 * MOST_PROFILES


@pytest.mark.parametrize(("number", "profile"), [(-1, 0), (2048, 0), (0, MOST_PROFILES), (0, -1)])
def test_a_caller_that_cannot_be_is_refused(number: int, profile: int) -> None:
    """There is an end to addresses."""
    with pytest.raises(ValueError, match=f"no caller {number} of profile {profile}"):
        topology.caller(number, profile=profile)


def test_every_leg_has_two_ends_in_different_places() -> None:
    """Callers, core, agents and endpoint hang together by three legs."""
    assert {path.leg for path in topology.PATHS} == set(Leg)
    assert {end.place for path in topology.PATHS for end in (path.near, path.far)} == set(Place)
    assert all(path.near.place is not path.far.place for path in topology.PATHS)


def test_the_callers_place_takes_all_its_addresses_and_sends_everything_over_its_leg() -> None:
    """Any caller's address can be bound to without being added one by one."""
    assert topology.configuration(Place.CALLERS).splitlines() == [
        "link set lo up",
        "link set access up mtu 1500 txqueuelen 10000",
        "address add 198.18.64.1/32 dev access",
        "route add 198.18.0.1/32 dev access src 198.18.64.1",
        "route add local 198.18.64.0/18 dev lo",
        "route add default dev access src 198.18.64.1",
    ]


def test_a_stranger_is_under_no_profile() -> None:
    """An address that is no caller's has a number that no leg knows."""
    for address in ("0.0.0.0", "198.18.0.1", "198.18.128.0", "255.255.255.255"):  # noqa: S104 - none is bound to
        assert topology.profile_number(IPv4Address(address).packed) not in range(MOST_PROFILES)
