"""Proof that a profile is delivered: voice through an executor, held against the seeded model and theory."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from network import capability, spec
from network.emulation import Executor
from network.executor import InNamespaces, Wire
from network.ledger import Passage, summary
from network.netem_run import Netem
from network.profile import Direction, Profile

FLOWS = 20
DIFFERING_AT_MOST = 0.001  # of the packets; the edge of a window may fall between sending and taking up
LATE_P95_MS = 2.0
_DEVIATIONS = 4.0  # standard ones that chance is allowed
_BURSTS_AT_LEAST = 30
_BURST_EDGE = 0.05  # packets; bursts are cut where a flow ends
_SHARES = (0.05, 0.5, 0.95)  # of packets, whose delays are compared where they are drawn anew
EXECUTORS: Mapping[Executor, type[InNamespaces]] = {Executor.WIRE: Wire, Executor.NETEM: Netem}


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


def prove(profile: Profile, *, seed: int, for_s: float, executor: Executor = Executor.WIRE) -> Proof:
    """Carry twenty flows of voice both ways over the profile's own leg, for so long.

    Raises:
        CannotExpressError: The profile is not for that executor.
        UnavailableError: This machine lacks something that it needs.
        WireError: It did not come up, or could not be measured.
    """
    choice = f"{profile.leg}={profile.origin}"
    capability.check(executor, spec.choose(choice))
    with EXECUTORS[executor](choice, seed=seed) as emulation:
        emulation.begin()
        passages = emulation.measure(profile.leg, flows=FLOWS, for_s=for_s)
    found = checks(profile, passages, seeded=emulation.is_seeded)
    return Proof(profile, emulation.priority, passages, tuple(found))


def checks(profile: Profile, passages: Sequence[Passage], *, seeded: bool = True) -> Iterator[Check]:
    """Everything that the packets of a measurement say about their profile.

    Of an executor that is not `seeded`, but draws anew, only all packets together can be held against the
    model's.
    """
    for direction in Direction:
        one_way = [each for each in passages if each.direction is direction]
        found = summary(one_way)
        if seeded:
            yield _fates(profile, direction, found)
            yield _lateness(direction, one_way)
        else:
            yield from _delays(direction, one_way)
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


def _delays(direction: Direction, passages: Sequence[Passage]) -> Iterator[Check]:
    """Quantiles against those of the model's delays, which are drawn too: each between two of the model's."""
    asked_ms = sorted(1000 * (at_s - each.sent_s) for each in passages for at_s in each.due_s)
    got_ms = sorted(1000 * (at_s - each.sent_s) for each in passages for at_s in each.arrived_s)
    if not asked_ms or not got_ms:
        name = f"{direction}: packets that came"
        yield Check(name, "as in the model", str(len(got_ms)), len(asked_ms) == len(got_ms))
        return
    for share in _SHARES:
        off = _DEVIATIONS * math.sqrt(2 * share * (1 - share) / min(len(asked_ms), len(got_ms)))
        least_ms = _at(asked_ms, max(share - off, 0.0)) - LATE_P95_MS
        most_ms = _at(asked_ms, share + off) + LATE_P95_MS
        at_ms = _at(got_ms, share)
        yield Check(
            f"{direction}: delay that {100 * share:g} % do not exceed",
            f"from {least_ms:.2f} to {most_ms:.2f} ms",
            f"{at_ms:.2f} ms",
            least_ms <= at_ms <= most_ms,
        )


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else math.nan
