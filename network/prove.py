"""Proof that a profile is delivered: voice through the wire, held against the seeded model and theory."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from network.executor import Wire
from network.ledger import Passage, summary
from network.profile import Direction, Profile

FLOWS = 20
DIFFERING_AT_MOST = 0.001  # of the packets; the edge of a window may fall between sending and taking up
LATE_P95_MS = 2.0
_DEVIATIONS = 4.0  # standard ones that chance is allowed
_BURSTS_AT_LEAST = 30
_BURST_EDGE = 0.05  # packets; bursts are cut where a flow ends


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was held against what was asked for."""

    name: str
    asked: str
    got: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found about one profile."""

    profile: Profile
    priority: str
    passages: Sequence[Passage]
    checks: Sequence[Check]

    @property
    def ok(self) -> bool:
        """Whether the profile was delivered as asked for."""
        return all(check.ok for check in self.checks)


def prove(profile: Profile, *, seed: int, for_s: float) -> Proof:
    """Carry twenty flows of voice both ways over the profile's own leg, for so long.

    Raises:
        UnavailableError: This machine lacks something that the wire needs.
        WireError: It did not come up, or could not be measured.
    """
    with Wire(f"{profile.leg}={profile.origin}", seed=seed) as wire:
        wire.begin()
        passages = wire.measure(profile.leg, flows=FLOWS, for_s=for_s)
    return Proof(profile, wire.priority, passages, tuple(checks(profile, passages)))


def checks(profile: Profile, passages: Sequence[Passage]) -> Iterator[Check]:
    """Everything that the packets of a measurement say about their profile."""
    for direction in Direction:
        one_way = [each for each in passages if each.direction is direction]
        found = summary(one_way)
        yield _fates(profile, direction, found)
        yield _lateness(direction, one_way)
        yield from _losses(profile, direction, found)


def _fates(profile: Profile, direction: Direction, found: Mapping[str, Any]) -> Check:
    """Packet by packet; behind a full queue, where a moment decides between two packets, by their number."""
    if profile.direction(direction).rate_kbps is None:
        name, differing = "packets that met another fate than the seeded model's", found["not_as_asked"]
    else:
        name, differing = (
            "packets lost more or less than in the model",
            abs(found["lost"] - found["lost_asked"]),
        )
    packets = found["sent"]
    return Check(
        f"{direction}: {name}",
        f"{100 * DIFFERING_AT_MOST:g} % or less",
        f"{differing} of {packets}",
        packets > 0 and differing <= DIFFERING_AT_MOST * packets,
    )


def _losses(profile: Profile, direction: Direction, found: Mapping[str, Any]) -> Iterator[Check]:
    """Rate and bursts against theory, which speaks of a steady link that is never full nor away."""
    impairment = profile.direction(direction)
    loss = impairment.loss
    if profile.windows or impairment.rate_kbps or impairment.outages or loss is None or loss.rate in (0, 1):
        return
    packets, lost = max(found["sent"], 1), found["lost"]
    off = _DEVIATIONS * math.sqrt(2 * loss.burst * loss.rate * (1 - loss.rate) / packets)
    yield Check(
        f"{direction}: packets lost",
        f"{100 * loss.rate:g} %, by chance ±{100 * off:.2g}",
        f"{100 * lost / packets:.3g} %",
        abs(lost / packets - loss.rate) <= off,
    )
    if found["burst"] is None or lost / found["burst"] < _BURSTS_AT_LEAST:
        return
    off = _DEVIATIONS * math.sqrt(loss.burst * (loss.burst - 1) / (lost / found["burst"])) + _BURST_EDGE
    yield Check(
        f"{direction}: mean burst of losses",
        f"{loss.burst:.3g} packets, by chance ±{off:.2g}",
        f"{found['burst']:.3g} packets",
        abs(found["burst"] - loss.burst) <= off,
    )


def _lateness(direction: Direction, passages: Sequence[Passage]) -> Check:
    errors_ms = sorted(1000 * abs(error_s) for each in passages for error_s in each.errors_s)
    p50, p95, p99 = (_at(errors_ms, share) for share in (0.5, 0.95, 0.99))
    return Check(
        f"{direction}: delay against the model, 95th percentile",
        f"within {LATE_P95_MS:g} ms",
        f"{p95:.2f} ms (p50 {p50:.2f}, p99 {p99:.2f})" if errors_ms else "nothing came, as asked",
        not errors_ms or p95 <= LATE_P95_MS,
    )


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else math.nan
