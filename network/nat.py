"""A NAT on a link that changes its mind: from a moment on a flow has another port outside (RFC 4787).

Which flows there are and when each began is all it knows; no clock, no input or output.
"""

import math
from dataclasses import dataclass, field
from random import Random

from network.profile import Direction, Nat, Traffic

_PORTS = range(61000, 65536)  # above those that the kernel gives to who names none
_MOST_FORMER = 8  # ports that a flow had and nobody else gets


@dataclass(slots=True)
class _Mapping:
    """A flow as it is inside and outside, and the moment at which it is next changed."""

    inside: bytes
    outside: bytes
    next_s: float
    turn: int = 0
    last_s: float = 0.0
    former: list[bytes] = field(default_factory=list)  # besides what it is inside


class Mappings:
    """The flows of a link that a NAT has changed or will; all others keep their ports.

    A flow is what its packets have of it: addresses, then ports, of source and destination. Times are in
    seconds of the run and never go back.
    """

    def __init__(self, nat: Nat, *, key: str) -> None:
        self._rebind = nat.rebind
        self._traffic = nat.rebind.traffic.traffic
        self._key = key
        self._inside: dict[bytes, _Mapping] = {}
        self._outside: dict[bytes, _Mapping] = {}

    def translate(self, now_s: float, direction: Direction, flow: bytes, traffic: Traffic) -> bytes | None:
        """The flow of a packet on the other side; None when it was sent to a port that was given up."""
        if direction is Direction.UP:
            return self._outward(now_s, flow, traffic)
        inside = self._inward(now_s, _turned(flow))
        return None if inside is None else _turned(inside)

    def forget(self, before_s: float) -> None:
        """Let go of the flows whose near end has been silent since then."""
        for found in (self._inside, self._outside):
            for flow in [flow for flow, mapping in found.items() if mapping.last_s < before_s]:
                del found[flow]

    def _outward(self, now_s: float, flow: bytes, traffic: Traffic) -> bytes:
        mapping = self._inside.get(flow)
        if mapping is None:
            if traffic not in self._traffic:
                return flow
            mapping = _Mapping(flow, flow, now_s + self._rebind.after_s)
            self._inside[flow] = self._outside[flow] = mapping
        mapping.last_s = now_s
        return self._now(mapping, now_s)

    def _inward(self, now_s: float, flow: bytes) -> bytes | None:
        mapping = self._outside.get(flow)
        if mapping is None:
            return flow
        return mapping.inside if self._now(mapping, now_s) == flow else None

    def _now(self, mapping: _Mapping, now_s: float) -> bytes:
        """The flow outside, which is another from its moment on."""
        if now_s < mapping.next_s:
            return mapping.outside
        if mapping.turn:
            mapping.former.append(mapping.outside)
        if len(mapping.former) > _MOST_FORMER:
            del self._outside[mapping.former.pop(0)]
        turns = 1 + (now_s - mapping.next_s) // self._rebind.every_s
        mapping.turn += int(turns)
        next_s = mapping.next_s + turns * self._rebind.every_s
        mapping.next_s = max(next_s, math.nextafter(now_s, math.inf))  # whatever was rounded
        mapping.outside = self._another(mapping)
        self._outside[mapping.outside] = mapping
        return mapping.outside

    def _another(self, mapping: _Mapping) -> bytes:
        """A port that no flow between these ends has or had."""
        random = Random(f"{self._key}|{mapping.inside!r}|{mapping.turn}")
        while True:
            flow = mapping.inside[:8] + random.choice(_PORTS).to_bytes(2) + mapping.inside[10:]
            if flow not in self._outside and flow not in self._inside:
                return flow


def _turned(flow: bytes) -> bytes:
    """The same flow in packets of the other direction."""
    return flow[4:8] + flow[:4] + flow[10:12] + flow[8:10]
