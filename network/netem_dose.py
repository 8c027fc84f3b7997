"""The dose of netem: what its queues say each second, and null for what they do not tell."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from network.dose import asked_loss
from network.netem_tree import Queue
from network.profile import Direction, Leg, Profile

_UNTOLD = {"queue_full": None, "bursts": None, "reordered": None, "refused": None}
_DELAYS = dict.fromkeys(("asked_mean", "asked_deviation", "mean", "deviation"))
_LATE = dict.fromkeys(("p50", "p99", "p999"))


@dataclass(frozen=True, slots=True)
class Count:
    """Packets of a profile in one direction: gone out and dropped so far, and on their way now."""

    sent: int = 0
    dropped: int = 0
    waiting: int = 0


def counts(printed: str, queues: Sequence[Queue]) -> Mapping[int, Count]:
    """What `tc -s -j qdisc show` printed of a device, by the number of the profile."""
    by_parent = {f"1:{queue.number + 1:x}": queue.profile for queue in queues}
    found = dict.fromkeys(by_parent.values(), Count())
    for each in json.loads(printed):
        number = by_parent.get(each.get("parent", ""))
        if number is not None and each["kind"] == "netem":
            so_far = found[number]
            found[number] = Count(
                so_far.sent + each["packets"], so_far.dropped + each["drops"], so_far.waiting + each["qlen"]
            )
    return found


def strangers(printed: str) -> int:
    """Packets that no queue was for, from the same text."""
    return sum(int(each["drops"]) for each in json.loads(printed) if each["kind"] == "clsact")


@dataclass(slots=True)
class NetemDose:
    """What a leg's queues delivered; `read` is asked for the text about each direction's device."""

    leg: Leg
    profiles: Sequence[Profile]
    queues: Sequence[Queue]
    read: Callable[[Direction], str]
    strangers: dict[Direction, int] = field(default_factory=dict)
    _before: dict[tuple[int, Direction], Count] = field(default_factory=dict)

    def take(self, at_s: float) -> Iterator[dict[str, Any]]:
        """A line for each profile and direction that had packets since the last time."""
        for direction in Direction:
            printed = self.read(direction)
            self.strangers[direction] = strangers(printed)
            for number, now in counts(printed, self.queues).items():
                before = self._before.get((number, direction), Count())
                self._before[number, direction] = now
                sent, dropped = now.sent - before.sent, now.dropped - before.dropped
                offered = sent + dropped + now.waiting - before.waiting
                if not offered and not sent:
                    continue
                profile = self.profiles[number]
                doubles = bool(profile.direction(direction).duplicate)
                yield {
                    "kind": "leg",
                    "leg": self.leg,
                    "profile": profile.name,
                    "direction": direction,
                    "offered": None if doubles else offered,
                    "outage": 0,
                    "too_large": 0,
                    "lost": dropped,
                    **_UNTOLD,
                    "duplicated": None if doubles else 0,
                    "delivered": sent,
                    "asked_loss": asked_loss(profile, direction, at_s),
                    "delay_ms": _DELAYS,
                    "late_ms": _LATE,
                }

    def forget(self, at_s: float) -> None:
        """The kernel remembers no flows."""
