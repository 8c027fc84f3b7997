"""What every executor of ours does as a program: ready, begin, a dose each second, until its input ends."""

import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from network import priority
from network.dose import Journal
from network.emulation import Executor

_EVERY_S = 1.0
_FORGET_EVERY_S = 30.0
_LEVEL = 20  # of its real-time priority: above everything of the tester
_STDIN = 0


class Dose(Protocol):
    """What is delivered on one leg."""

    def take(self, at_s: float) -> Iterator[dict[str, Any]]:
        """A line for each profile and direction that had packets since the last time."""

    def forget(self, at_s: float) -> None:
        """Let go of flows that have been silent for long."""


_Dose = TypeVar("_Dose", bound=Dose)
_Taken = TypeVar("_Taken", bound=Dose, contravariant=True)


class Carrier(Protocol[_Taken]):
    """What carries packets under the links of the doses that it was given last."""

    @property
    def strangers(self) -> int:
        """Packets since the start that were nobody's."""

    def begin(self, doses: Sequence[_Taken], *, start_s: float) -> None:
        """Go over to other links, whose run begins at `start_s`; what is on its way keeps its time."""

    def run(self, until_s: float, listen: int) -> bool:
        """Carry on until a moment, or until there is something to read from `listen`: then True."""

    def forget(self) -> None:
        """Let go of what belongs to flows that may have ended."""

    def unread(self) -> int:
        """Packets lost since the start because this process was too slow to read them."""


def serve(
    carrier: Carrier[_Dose],
    executor: Executor,
    doses: Callable[[], Sequence[_Dose]],
    *,
    announcement: Mapping[str, Any],
    journal: Journal | None,
) -> None:
    """Say that it is ready, and carry until standard input ends.

    From the word `begin` there on packets are under the links of `doses`, and the dose is written.
    """
    given = priority.take(_LEVEL)
    print(json.dumps({"ready": True, "pid": os.getpid(), "priority": given, **announcement}), flush=True)
    present: Sequence[_Dose] = ()
    start_s, cpu_s = time.monotonic(), _cpu_s()
    tick_s, forget_s = start_s + _EVERY_S, start_s + _FORGET_EVERY_S
    while True:
        word = os.read(_STDIN, 100) if carrier.run(tick_s, _STDIN) else b"tick"
        if b"begin" in word:
            present, start_s = doses(), time.monotonic()
            carrier.begin(present, start_s=start_s)
            tick_s, forget_s = start_s + _EVERY_S, start_s + _FORGET_EVERY_S
            print(json.dumps({"began_s": start_s}), flush=True)
            continue
        now_s, used_s = time.monotonic(), _cpu_s()
        if present and journal is not None:
            lines = [line for dose in present for line in dose.take(now_s - start_s)]
            own = {
                "kind": "executor",
                "executor": executor,
                "priority": given,
                "cpu_s": round(used_s - cpu_s, 4),
                "unread": carrier.unread(),
                "strangers": carrier.strangers,
            }
            journal.write([*lines, own], unix=time.time(), at_s=now_s - start_s)
        if not word:
            return
        cpu_s, tick_s = used_s, tick_s + _EVERY_S
        if now_s >= forget_s:
            forget_s += _FORGET_EVERY_S
            carrier.forget()
            for dose in present:
                dose.forget(now_s - start_s)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
