"""Where callers are: the addresses of each network profile, their ports, the namespace they are in."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Self

from network.emulation import Ports
from network.namespace import Namespace
from network.spec import CLEAN

LOOPBACK = "127.0.0.1"
ANY_PORTS = Ports(sip=0, rtp=0, rtp_count=0)


@dataclass(frozen=True, slots=True)
class Block:
    """The callers' addresses under one profile: `first` and those after it, `count` in all.

    Each line has one of them, and so a link, to itself; where `count` is None all lines share `first`, an
    empty one being any. A line advertises the address that is as far from `advertised` as its own is from
    `first` (its own where that is None) in Via, Contact and SDP.
    """

    profile: str
    first: str
    count: int | None = None
    advertised: str | None = None

    def rest(self, lines: int) -> "Block":
        """What is left for others when so many lines at its start have theirs; all of a shared address."""
        if self.count is None:
            return self
        advertised = None if self.advertised is None else str(IPv4Address(self.advertised) + lines)
        return Block(self.profile, str(IPv4Address(self.first) + lines), self.count - lines, advertised)


@dataclass(frozen=True, slots=True)
class Access:
    """All callers' addresses, a block for each profile, in the namespace that they are of.

    Every line keeps to the same `ports` at its address.
    """

    blocks: tuple[Block, ...]
    ports: Ports = ANY_PORTS
    namespace: Namespace | None = None

    @classmethod
    def plain(cls, first: str, profile: str = CLEAN) -> Self:
        """No emulated network: all lines share one address of this machine."""
        return cls((Block(profile, first),))

    def shortfall(self, concurrent: int) -> str | None:
        """What is to be said where so many calls at once, spread over the profiles, need more addresses."""
        each = math.ceil(concurrent / len(self.blocks))
        fewest = min((block.count for block in self.blocks if block.count is not None), default=each)
        if each <= fewest:
            return None
        return (
            f"The network has {fewest} callers under each profile and {each} calls may be up at once there: "
            f"those beyond are dropped; fewer calls per second, --max-concurrent "
            f"{fewest * len(self.blocks)} or another --network-executor would do"
        )

    @classmethod
    def of(cls, announcement: Mapping[str, Any]) -> Self:
        """Read what a lab says of its emulated network."""
        blocks = tuple(
            Block(each["name"], each["first"], each["count"], each["advertised"])
            for each in announcement["profiles"]
        )
        ports, namespace = announcement["ports"], announcement["namespace"]
        return cls(
            blocks, Ports(**ports) if ports else ANY_PORTS, Namespace(**namespace) if namespace else None
        )
