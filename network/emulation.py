"""What carries out a choice of networks for as long as a block runs, whichever executor it is."""

import enum
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from types import TracebackType
from typing import Any, Protocol, Self

from network.namespace import Namespace
from network.profile import Leg
from network.spec import Choice
from network.topology import Place


class Executor(enum.StrEnum):
    """What carries out a profile, in the order of preference."""

    WIRE = "wire"
    RELAY = "relay"
    NETEM = "netem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The only UDP ports that a side uses: one of SIP, and so many of RTP and RTCP from `rtp` on."""

    sip: int
    rtp: int
    rtp_count: int

    @property
    def all(self) -> tuple[int, ...]:
        """Every one of them."""
        return (self.sip, *range(self.rtp, self.rtp + self.rtp_count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """The addresses of the callers under one profile, by its label: `first`, `first` + 1 and so on.

    Where `advertised` is given the caller of `first` + n is known to the trunk as `advertised` + n, and says
    so in Via, Contact and SDP.
    """

    label: str
    first: IPv4Address
    count: int
    advertised: IPv4Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """Where the SIP trunk binds, how callers know it, and its ports where it must keep to some."""

    address: IPv4Address
    advertised: IPv4Address
    ports: Ports | None = None


class Emulation(Protocol):
    """An emulated network; entering its block waits until it is ready, every leg clean until `begin`."""

    choice: Choice
    places: Mapping[Place, Namespace]  # empty where everything stays in the machine's own network

    @property
    def executor(self) -> Executor:
        """Which one it is."""

    @property
    def priority(self) -> str:
        """What the kernel gave to what carries the packets (`network.priority`)."""

    @property
    def callers(self) -> Sequence[Callers]:
        """Where the callers live, a block of addresses for each label of the choice."""

    @property
    def ports(self) -> Ports | None:
        """The ports that every caller must keep to; None where any will do."""

    @property
    def trunk(self) -> Trunk:
        """Where the trunk lives."""

    @property
    def pid(self) -> int:
        """Process id of what carries the packets."""

    @property
    def exit_code(self) -> int | None:
        """None while packets are carried: for those who must know when that ended before its time."""

    def entering(self, place: Place) -> Callable[[], None]:
        """What a program is started with to live in a place, and to end with this process (`preexec_fn`)."""

    def start(self, place: Place, command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program in a place."""

    def begin(self) -> float:
        """Put the profiles on the legs, which are clean until now; the moment, on the monotonic clock."""

    def watch(self, leg: Leg, *, every_s: float = 0.1) -> None:
        """Measure a leg, each of its profiles, until the block ends; each second goes to the dose's file."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
