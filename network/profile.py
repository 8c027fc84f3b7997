"""A network profile: both directions of a link, and the windows in which they change over the run."""

import enum
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from network.impairment import Impairment, ImpossibleError

VOICE_KBPS = 80.0  # a G.711 call at the IP layer, one way: 50 packets of 200 bytes a second


class Leg(enum.StrEnum):
    """A path that a profile can be put on, from its near end to its far end."""

    CALLER = "caller"  # the caller and the SIP trunk
    AGENT = "agent"  # the agent and LiveKit
    SETTINGS = "settings"  # the agent and the endpoint of its audio filter


class Scope(enum.StrEnum):
    """Who is on one link."""

    CALLER = "caller"  # each near end has a link of its own
    SHARED = "shared"  # all share one


class Direction(enum.StrEnum):
    """Which way a packet goes."""

    UP = "up"  # from the near end
    DOWN = "down"


class Traffic(enum.StrEnum):
    """What a packet is, as far as its headers and the first bytes of a UDP payload tell (RFC 7983)."""

    BYE = "bye"  # a SIP BYE request over UDP
    SIP = "sip"  # any other SIP over UDP
    MEDIA = "media"  # RTP, RTCP, and the STUN and DTLS of WebRTC
    UDP = "udp"  # other UDP
    TCP = "tcp"
    OTHER = "other"


class Selection(enum.StrEnum):
    """The packets that a window is about."""

    ALL = "all"
    UDP = "udp"
    SIGNALLING = "signalling"
    BYE = "bye"
    MEDIA = "media"

    @property
    def traffic(self) -> frozenset[Traffic]:
        """The kinds of packets in it."""
        return _SELECTED[self]


_SELECTED = {
    Selection.ALL: frozenset(Traffic),
    Selection.UDP: frozenset({Traffic.BYE, Traffic.SIP, Traffic.MEDIA, Traffic.UDP}),
    Selection.SIGNALLING: frozenset({Traffic.BYE, Traffic.SIP, Traffic.TCP}),
    Selection.BYE: frozenset({Traffic.BYE}),
    Selection.MEDIA: frozenset({Traffic.MEDIA}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time in which the link is another: from a moment of the run, once, again and again, or to the end."""

    from_s: float = 0.0
    for_s: float = math.inf
    every_s: float | None = None
    traffic: Selection = Selection.ALL
    up: Impairment
    down: Impairment

    def __post_init__(self) -> None:
        for key, value, is_possible, remedy in (
            ("from_s", self.from_s, 0 <= self.from_s < math.inf, "0 or more seconds into the run"),
            ("for_s", self.for_s, self.for_s > 0, "a number of seconds above 0"),
            (
                "every_s",
                self.every_s,
                self.every_s is None or self.for_s < self.every_s < math.inf,
                f"more than for_s, which is {self.for_s:g}",
            ),
        ):
            if not is_possible:
                raise ImpossibleError(key, value, remedy)

    def direction(self, direction: Direction) -> Impairment:
        """What this window does in one direction."""
        return self.up if direction is Direction.UP else self.down

    def state(self, at_s: float) -> tuple[bool, float]:
        """Whether the window is open at a moment of the run, and until when that stays so."""
        since_s = at_s - self.from_s
        if since_s < 0:
            return False, self.from_s
        if self.every_s is None:
            end_s = self.from_s + self.for_s
            return (True, end_s) if at_s < end_s else (False, math.inf)
        turn = since_s // self.every_s
        start_s = self.from_s + turn * self.every_s
        if at_s < start_s + self.for_s:
            return True, start_s + self.for_s
        return False, start_s + self.every_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebind:
    """The moments at which a flow of UDP gets another port outside, counted from its first packet.

    `traffic` says which flows: those whose near end has sent such a packet.
    """

    after_s: float
    every_s: float = math.inf
    traffic: Selection = Selection.ALL

    def __post_init__(self) -> None:
        if not 0 <= self.after_s < math.inf:
            raise ImpossibleError("after_s", self.after_s, "0 or more seconds into a flow")
        if not self.every_s >= 1:
            raise ImpossibleError("every_s", self.every_s, "1 or more seconds after the last time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nat:
    """A NAT at the near end that keeps ports as they are until it does not any more."""

    rebind: Rebind


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A network, with where its numbers are from.

    `voice` says whether calls live through it; `expect` names what becomes of most calls. `origin` is what it
    can be loaded by again.
    """

    name: str
    origin: str
    title: str
    source: str
    voice: bool = True
    expect: str = "answered"
    leg: Leg = Leg.CALLER
    scope: Scope = Scope.CALLER
    seed: int | None = None
    up: Impairment = field(default_factory=Impairment)
    down: Impairment = field(default_factory=Impairment)
    nat: Nat | None = None
    windows: tuple[Window, ...] = ()

    def direction(self, direction: Direction) -> Impairment:
        """What the link does in one direction, outside every window."""
        return self.up if direction is Direction.UP else self.down

    def at(self, at_s: float, direction: Direction) -> tuple[Mapping[Traffic, Impairment], float]:
        """What is done to each kind of traffic at a moment of the run, and until when that stays so.

        Of several open windows about the same packets the last one counts.
        """
        found = dict.fromkeys(Traffic, self.direction(direction))
        until_s = math.inf
        for window in self.windows:
            is_open, window_until_s = window.state(at_s)
            until_s = min(until_s, window_until_s)
            if is_open:
                found |= dict.fromkeys(window.traffic.traffic, window.direction(direction))
        return found, until_s

    def impairments(self) -> Iterator[Impairment]:
        """Every impairment that the profile holds."""
        parts: tuple[Profile | Window, ...] = (self, *self.windows)
        for part in parts:
            for direction in Direction:
                yield part.direction(direction)

    def warnings(self) -> tuple[str, ...]:
        """What a run under this profile should know beforehand."""
        rates = [each.rate_kbps for each in self.impairments() if each.rate_kbps]
        if self.scope is Scope.SHARED and rates and min(rates) < VOICE_KBPS:
            sentence = (
                f"profile {self.name} shares {min(rates):g} kbit/s among all callers, less than the "
                f'{VOICE_KBPS:g} of one G.711 call: this is a capacity test, scope = "caller" makes it none'
            )
            return (sentence,)
        return ()
