"""What places the calls of a run, and the loop that stays with it to the last record."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sip.course import GoOn
from sip.description import Target
from sip.errors import RingtimeError
from sip.priority import raised_priority
from sip.record import RunFolder

_LOOK_EVERY_S = 0.2  # how soon an interruption is noticed
_OTHERS_EVERY_S = 1.0


class Driven(Protocol):
    """What `drive` stays with."""

    @property
    def over(self) -> bool:
        """Whether every call has its record, or none is to come any more."""

    def step(self, now_s: float) -> float:
        """Do all that is due and say when to come back; raises RingtimeError, once, for what went wrong."""

    def late(self, by_s: float) -> None:
        """It was called so long after the moment that it had asked for."""

    def wait(self, timeout_s: float) -> None:
        """Return when there is something to do, at the latest after `timeout_s`."""

    def cut(self, now_s: float, reason: str) -> None:
        """Make no new calls and end all others now."""


class Load(Driven, Protocol):
    """A generator in this process, or Locust's workers: `prepare`, `open`, `begin`, `drive`, `close`."""

    @property
    def stop_reason(self) -> str | None:
        """Why it did not come to its own end, in words."""

    @property
    def dropped_dials(self) -> int:
        """Calls that were due and could not be made."""

    def workers(self, folder: RunFolder) -> Sequence[str]:
        """Whose files the folder is to hold."""

    def prepare(self, folder: RunFolder, *, go_on: GoOn) -> None:
        """Find out what must be known before all else is up; ends early once `go_on` says no."""

    def describe(self) -> Mapping[str, Any]:
        """Its own keys of run.json, once it is prepared."""

    def open(self, folder: RunFolder, target: Target, *, go_on: GoOn) -> None:
        """Get ready to call, or end early as `prepare` does; raises RingtimeError where it cannot be."""

    def begin(self) -> None:
        """Everything is up: the first call is due in a moment."""

    def stop(self, reason: str) -> None:
        """Make no new calls; those that are up live to their end."""

    def close(self) -> None:
        """Complete the files and let go of everything; may be called at any time, and again."""


def drive(load: Load, *, cut: Callable[[], str | None], look: Callable[[], None]) -> RingtimeError | None:
    """Stay with a load until it is over; the answer is the first thing that went wrong.

    It is cut once, for the reason that `cut` gives, or for what went wrong. `look`, each second, raises
    RingtimeError where something that the calls need is gone.
    """
    error: RingtimeError | None = None
    wanted_s, look_s, reason = math.inf, 0.0, None
    with raised_priority():
        while not load.over:
            now_s = time.monotonic()
            load.late(now_s - wanted_s)
            if reason is None and (reason := str(error) if error else cut()) is not None:
                load.cut(now_s, reason)
            try:
                wanted_s = load.step(now_s)
                if now_s >= look_s:
                    look_s = now_s + _OTHERS_EVERY_S
                    look()
            except RingtimeError as raised:
                error = error or raised
            load.wait(max(0.0, min(wanted_s - time.monotonic(), _LOOK_EVERY_S)))
    return error
