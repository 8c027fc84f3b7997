"""The places of a run on one machine and what connects them: which addresses, which devices, which routes.

    callers ──── caller leg ──── core ──── agent leg ──── agents ──── settings leg ──── endpoint

Addresses are of 198.18.0.0/15, which RFC 2544 sets aside for measurements.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from network.profile import Leg
from network.spec import MOST_PROFILES

CALLERS = IPv4Network("198.18.64.0/18")
SIP = IPv4Address("198.18.0.1")  # of the core, towards the callers
LIVEKIT = IPv4Address("198.18.0.2")  # of the core, towards the agents
AGENTS = IPv4Network("198.19.0.0/18")
AGENT = IPv4Address("198.19.0.1")  # towards the core
AGENT_TO_SETTINGS = IPv4Address("198.19.0.2")
SETTINGS = IPv4Address("198.19.64.1")
_BLOCK = CALLERS.num_addresses // MOST_PROFILES
MOST_CALLERS = (
    _BLOCK - 3
)  # the first address is the network's, the last two are the probe's and the broadcast's
_QUEUE_PACKETS = 10_000  # that a device holds until the emulator reads them: a second at full load


class Place(enum.StrEnum):
    """A network namespace of a run."""

    CALLERS = "callers"
    CORE = "core"
    AGENTS = "agents"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a leg: a device in a place. `local` are all addresses there that are its own."""

    place: Place
    device: str
    address: IPv4Address
    local: IPv4Network


@dataclass(frozen=True, slots=True)
class Path:
    """A leg with both its ends."""

    leg: Leg
    near: End
    far: End


PATHS = (
    Path(
        Leg.CALLER,
        End(Place.CALLERS, "access", CALLERS[1], CALLERS),
        End(Place.CORE, "callers", SIP, IPv4Network(SIP)),
    ),
    Path(
        Leg.AGENT,
        End(Place.AGENTS, "uplink", AGENT, AGENTS),
        End(Place.CORE, "agents", LIVEKIT, IPv4Network(LIVEKIT)),
    ),
    Path(
        Leg.SETTINGS,
        End(Place.AGENTS, "settings", AGENT_TO_SETTINGS, AGENTS),
        End(Place.ENDPOINT, "agents", SETTINGS, IPv4Network(SETTINGS)),
    ),
)


def caller(number: int, *, profile: int = 0) -> IPv4Address:
    """The address of the caller of that number, from 0, under the profile of that number on the leg.

    Raises:
        ValueError: There are no so many.
    """
    if not 0 <= number < MOST_CALLERS or not 0 <= profile < MOST_PROFILES:
        last = f"{MOST_CALLERS - 1} of {MOST_PROFILES - 1}"
        raise ValueError(f"there is no caller {number} of profile {profile}: they go up to {last}")
    return CALLERS[profile * _BLOCK + number + 1]


def near_end(leg: Leg, number: int) -> IPv4Address:
    """The address of the near end of that number, from 0, under the first profile of the leg."""
    return caller(number) if leg is Leg.CALLER else AGENTS[number + _BLOCK]


def probe(leg: Leg, *, profile: int = 0) -> IPv4Address:
    """The address at the near end from which the leg is measured: each leg's own, so all can be at once."""
    if leg is Leg.CALLER:
        return CALLERS[(profile + 1) * _BLOCK - 2]
    return AGENTS[-2] if leg is Leg.AGENT else AGENTS[-3]


def block(leg: Leg, *, profile: int = 0) -> IPv4Network:
    """The addresses of all near ends under the profile of that number on the leg."""
    if leg is not Leg.CALLER:
        return AGENTS
    return IPv4Network((CALLERS[profile * _BLOCK], CALLERS.prefixlen + (MOST_PROFILES - 1).bit_length()))


def profile_number(address: bytes) -> int:
    """Which of the leg's profiles a caller's address, in its four bytes, is under."""
    return (int.from_bytes(address) - int(CALLERS.network_address)) // _BLOCK


def ends(place: Place) -> Iterator[tuple[End, End]]:
    """The ends in a place, each with the one opposite."""
    for path in PATHS:
        for end, opposite in ((path.near, path.far), (path.far, path.near)):
            if end.place is place:
                yield end, opposite


def configuration(place: Place) -> str:
    """What `ip -batch` is told in a place whose devices are there."""
    lines = ["link set lo up"]
    for number, (end, opposite) in enumerate(ends(place)):
        lines += [
            f"link set {end.device} up mtu 1500 txqueuelen {_QUEUE_PACKETS}",
            f"address add {end.address}/32 dev {end.device}",
            f"route add {opposite.local} dev {end.device} src {end.address}",
        ]
        if end.local.num_addresses > 1 and number == 0:  # any of them can be bound to
            lines.append(f"route add local {end.local} dev lo")
            lines.append(f"route add default dev {end.device} src {end.address}")
    return "".join(f"{line}\n" for line in lines)
