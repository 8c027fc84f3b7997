"""Where callers are: the addresses of each network profile, their ports, the namespace they are in."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Address
from typing import Any, NamedTuple, Self

from network.emulation import Ports
from network.namespace import Namespace
from network.spec import CLEAN
from sip.errors import PhoneError

LOOPBACK = "127.0.0.1"
MOST_LINES = (
    7  # with addresses of their own in one worker: of its 8 transports one may be there to be woken by
)
ANY_PORTS = Ports(sip=0, rtp=0, rtp_count=0)


@dataclass(frozen=True, slots=True)
class Block:
    """The callers' addresses under one profile: `first` and those after it, `count` in all.

    Each line has one of them, and so a link, to itself, unless those beyond `count` have them `again`; where
    `count` is None all lines share `first`, an empty one being any. A line advertises the address that is as
    far from `advertised` as its own is from `first` (its own where that is None) in Via, Contact and SDP.
    """

    profile: str
    first: str
    count: int | None = None
    advertised: str | None = None
    again: bool = False

    def addresses(self, place: int, most: int) -> tuple["Address", ...]:
        """Those of so many lines from `place` on; fewer at the end of the block, one where all share it."""
        if self.count is None:
            return (self._address(0),)
        lines = range(place, place + most)
        if self.again:
            return tuple(self._address(line % self.count) for line in lines)
        return tuple(self._address(line) for line in lines if line < self.count)

    @property
    def lines(self) -> int | None:
        """How many lines there may be, or None for any number."""
        return None if self.again else self.count

    def part(self, index: int, of: int) -> "Block":
        """Part `index` of as many equal ones; all of it where its addresses are shared among lines anyway."""
        if self.count is None or self.again:
            return self
        begin, end = self.count * index // of, self.count * (index + 1) // of
        first = self._address(begin)
        return Block(self.profile, first.bound, end - begin, first.advertised)

    def _address(self, line: int) -> "Address":
        if line == 0:
            return Address(self.first, self.advertised)
        advertised = None if self.advertised is None else str(IPv4Address(self.advertised) + line)
        return Address(str(IPv4Address(self.first) + line), advertised)


class Address(NamedTuple):
    """Where a line is, and what it says of that where it says another one; an empty one is any."""

    bound: str
    advertised: str | None = None


def entering(namespace: Namespace | None) -> Callable[[], None] | None:
    """What a child process calls before its program to be in the namespace, if there is one.

    Raises:
        PhoneError: It is gone.
    """
    try:
        return None if namespace is None else namespace.entering()
    except OSError as error:
        raise PhoneError(
            f"The network that the callers belong to is gone ({error}): see the logs of what emulates it."
        ) from error


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
        fewest = min((block.lines for block in self.blocks if block.lines is not None), default=each)
        if each <= fewest:
            return None
        return (
            f"The network has {fewest} callers under each profile and {each} calls may be up at once there: "
            f"those beyond are dropped; fewer calls per second, --max-concurrent "
            f"{fewest * len(self.blocks)} or another --network-executor would do"
        )

    def part(self, index: int, of: int) -> "Access":
        """Part `index` of as many equal ones of every block."""
        return replace(self, blocks=tuple(block.part(index, of) for block in self.blocks))

    def announcement(self) -> dict[str, Any]:
        """What `of` reads."""
        return {
            "profiles": [
                {
                    "name": block.profile,
                    "first": block.first,
                    "count": block.count,
                    "advertised": block.advertised,
                    "again": block.again,
                }
                for block in self.blocks
            ],
            "ports": asdict(self.ports),
            "namespace": asdict(self.namespace) if self.namespace else None,
        }

    @classmethod
    def of(cls, announcement: Mapping[str, Any]) -> Self:
        """Read what a lab says of its emulated network."""
        blocks = tuple(
            Block(each["name"], each["first"], each["count"], each["advertised"], each.get("again", False))
            for each in announcement["profiles"]
        )
        ports, namespace = announcement["ports"], announcement["namespace"]
        return cls(
            blocks, Ports(**ports) if ports else ANY_PORTS, Namespace(**namespace) if namespace else None
        )
