"""The dose: what was done to packets each second, beside what was asked for (`schemas/network.json`)."""

import bisect
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from network import theory
from network.leg import Links
from network.model import Tally
from network.profile import Direction, Leg, Profile, Traffic

_EDGES_S = tuple(1e-6 * 1.1**step for step in range(160))  # 1 µs to 4 s, a tenth apart
_AT_ONCE = 50
QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
_SHORTEST_S = 0.001  # that a look at the windows goes on, whatever is rounded


class Histogram:
    """Times in classes a tenth wide, for quantiles to that precision."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_EDGES_S) + 1)

    def add(self, time_s: float) -> None:
        """Count one time."""
        self._counts[bisect.bisect_left(_EDGES_S, time_s)] += 1

    def quantile_s(self, share: float) -> float | None:
        """The time in seconds that a share does not exceed, or None when nothing was counted."""
        total, below = sum(self._counts), 0
        if not total:
            return None
        for count, edge_s in zip(self._counts, _EDGES_S, strict=False):
            below += count
            if below >= share * total:
                return edge_s
        return _EDGES_S[-1]

    def in_ms(self) -> dict[str, float | None]:
        """The usual quantiles in ms."""
        quantiles = {name: self.quantile_s(share) for name, share in QUANTILES.items()}
        return {name: None if each is None else round(1000 * each, 4) for name, each in quantiles.items()}


class Meter:
    """Delays of one direction of a leg under one profile since they were last taken."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.delivered = 0
        self.refused = 0  # by the device, which is gone or full
        self.late = Histogram()
        self._uncounted: list[tuple[float, float, float]] = []
        self._asked_s = self._asked_s2 = self._got_s = self._got_s2 = 0.0

    def add(self, arrived_s: float, due_s: float, left_s: float) -> None:
        """Count a packet: when it came, when it was to leave, when it did."""
        self._uncounted.append((arrived_s, due_s, left_s))
        if len(self._uncounted) == _AT_ONCE:  # one by one they would cost twice as much
            self.count()

    def count(self) -> None:
        """Bring the counts up to the packets that were added."""
        for arrived_s, due_s, left_s in self._uncounted:
            asked_s, got_s = due_s - arrived_s, left_s - arrived_s
            self.late.add(left_s - due_s)
            self._asked_s += asked_s
            self._asked_s2 += asked_s * asked_s
            self._got_s += got_s
            self._got_s2 += got_s * got_s
        self.delivered += len(self._uncounted)
        self._uncounted.clear()

    def delay_ms(self) -> Mapping[str, float | None]:
        """Mean and deviation that the model asked for, and those there were, in ms."""
        asked = self._moments_ms(self._asked_s, self._asked_s2)
        got = self._moments_ms(self._got_s, self._got_s2)
        return {"asked_mean": asked[0], "asked_deviation": asked[1], "mean": got[0], "deviation": got[1]}

    def _moments_ms(self, total: float, squares: float) -> tuple[float | None, float | None]:
        if not self.delivered:
            return None, None
        mean = total / self.delivered
        deviation = math.sqrt(max(squares / self.delivered - mean * mean, 0.0))
        return round(1000 * mean, 4), round(1000 * deviation, 4)


@dataclass(slots=True)
class LegDose:
    """What a leg's links delivered, profile by profile and direction by direction."""

    leg: Leg
    links: Links
    meters: list[dict[Direction, Meter]] = field(default_factory=list)
    _before: dict[tuple[int, Direction], Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.meters += [{direction: Meter() for direction in Direction} for _ in self.links.profiles]

    def take(self, at_s: float) -> Iterator[dict[str, Any]]:
        """A line for each profile and direction that had packets since the last time."""
        for number, profile in enumerate(self.links.profiles):
            for direction in Direction:
                tally = self.links.tallies[number][direction]
                counts = _since(tally, self._before.get((number, direction), Tally()))
                self._before[number, direction] = Tally(**asdict(tally))
                meter = self.meters[number][direction]
                meter.count()
                if not counts["offered"] and not meter.delivered:
                    continue
                yield {
                    "kind": "leg",
                    "leg": self.leg,
                    "profile": profile.name,
                    "direction": direction,
                    **counts,
                    "delivered": meter.delivered,
                    "refused": meter.refused,
                    "asked_loss": asked_loss(profile, direction, at_s),
                    "delay_ms": meter.delay_ms(),
                    "late_ms": meter.late.in_ms(),
                }
                meter.clear()

    def forget(self, at_s: float) -> None:
        """Let go of flows that have been silent for long."""
        self.links.forget(at_s)


def asked_loss(profile: Profile, direction: Direction, at_s: float) -> float:
    """The share of media that the profile asks to be lost in the second up to a moment, full queues aside.

    A mean over the time, so that a window that is shorter than a second has its part in it.
    """
    begin_s = now_s = max(at_s - 1.0, 0.0)
    asked_s = 0.0
    while now_s < at_s:
        impairments, until_s = profile.at(now_s, direction)
        until_s = min(max(until_s, now_s + _SHORTEST_S), at_s)
        asked_s += (until_s - now_s) * theory.loss_share(impairments[Traffic.MEDIA])
        now_s = until_s
    return round(asked_s / (at_s - begin_s), 6) if at_s > begin_s else 0.0


class Journal:
    """The file of doses: appended to by several processes, a whole line at a time."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def write(self, lines: Sequence[Mapping[str, Any]], *, unix: float, at_s: float) -> None:
        """Append lines, all at once: `unix` is the time of day, `at_s` that since the run began."""
        stamp = {"unix": round(unix, 3), "at_s": round(at_s, 3)}
        text = "".join(json.dumps(stamp | dict(line)) + "\n" for line in lines)
        os.write(self._descriptor, text.encode())


def _since(now: Tally, before: Tally) -> dict[str, int]:
    return {each.name: getattr(now, each.name) - getattr(before, each.name) for each in fields(Tally)}
