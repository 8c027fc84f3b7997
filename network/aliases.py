"""The loopback addresses of a run through the relay: where hosts are, and by which aliases they are known.

A block of 127.0.0.0/8 is for one run; another run on this machine takes another one.
"""

from ipaddress import IPv4Address

from network.emulation import Callers, Ports, Trunk
from network.errors import UnavailableError
from network.relay import Host
from network.spec import MOST_PROFILES, Choice

BLOCKS = tuple(IPv4Address(f"127.{second}.0.0") for second in range(96, 104))
# Below where the kernel takes ports for those who name none, and apart from what SIP programs use themselves.
CALLER_PORTS = Ports(sip=15060, rtp=14000, rtp_count=8)
TRUNK_PORTS = Ports(sip=15060, rtp=16000, rtp_count=512)
PROBE_PORT = 15061  # of the far end; that of the near end of each profile is one of the next
MOST_CALLERS = 250  # of each profile
_PROBE = 254
_PROFILE_STEP = 256
_CALLERS, _ALIASES = 16 * _PROFILE_STEP, (16 + MOST_PROFILES) * _PROFILE_STEP  # from the start of a block


def trunk(block: IPv4Address) -> Trunk:
    """Where the trunk is in a block."""
    return Trunk(address=block + 1, advertised=block + 2, ports=TRUNK_PORTS)


def callers(block: IPv4Address, choice: Choice, count: int) -> list[Callers]:
    """Where the callers are in a block: so many for each profile.

    Raises:
        UnavailableError: A block has no so many.
    """
    if not 1 <= count <= MOST_CALLERS:
        raise UnavailableError(f"a relay has from 1 to {MOST_CALLERS} callers a profile, not {count}")
    return [
        Callers(
            label=label,
            first=block + _CALLERS + number * _PROFILE_STEP + 1,
            count=count,
            advertised=block + _ALIASES + number * _PROFILE_STEP + 1,
        )
        for number, label in enumerate(choice.labels)
    ]


def probe(block: IPv4Address, profile: int) -> Host:
    """The near end that a profile of that number is measured from."""
    own = profile * _PROFILE_STEP + _PROBE
    return Host(
        address=str(block + _CALLERS + own),
        alias=str(block + _ALIASES + own),
        udp=(PROBE_PORT + 1 + profile,),
        profile=profile,
    )


def near_hosts(block: IPv4Address, choice: Choice, count: int) -> list[Host]:
    """Every host on the callers' side of a block."""
    hosts = [
        Host(
            address=str(each.first + number),
            alias=str((each.advertised or each.first) + number),
            udp=CALLER_PORTS.all,
            profile=profile,
        )
        for profile, each in enumerate(callers(block, choice, count))
        for number in range(count)
    ]
    return [*hosts, *(probe(block, profile) for profile in range(len(choice.labels)))]


def far_host(block: IPv4Address) -> Host:
    """The trunk of a block, and the far end of a measurement."""
    own = trunk(block)
    return Host(address=str(own.address), alias=str(own.advertised), udp=(*TRUNK_PORTS.all, PROBE_PORT))
