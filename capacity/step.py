"""One step of a capacity run: a stretch of calls at one load, and what it came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Phase(StrEnum):
    """What a step is for."""

    BASELINE = "baseline"
    BURST = "burst"
    BRACKET = "bracket"
    BISECT = "bisect"
    CONFIRM = "confirm"
    SHED = "shed"
    RECOVERY = "recovery"
    SMOKE = "smoke"


class Decision(StrEnum):
    """What a step came to."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    NOT_VALID = "not_valid"  # the tester fell short in it
    CUT = "cut"  # interrupted, or out of budget, before a decision
    DONE = "done"  # of a phase that decides nothing


@dataclass(frozen=True, slots=True)
class Tally:
    """How many calls one criterion has judged, and how many of them were bad."""

    name: str
    n: int
    bad: int


# How much may be the tester's own fault before its figures say more of it than of the system.
DIAL_LAG_S = 0.050  # at the 99th percentile
FAILED_SHARE = 0.005
CPU_SHARE = 0.90  # of the busiest process


@dataclass(frozen=True, slots=True)
class Tester:
    """How the tester itself fared in a step."""

    dial_lag_p99_s: float | None
    dropped: int
    cpu_busiest: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """A line of `steps.jsonl`.

    `load` is in calls per second or in conversations at once, as the run's axis says. Its calls are those
    whose number is in [`first_call`, `first_call` + `calls`), the `warm_up` ones first; a step whose calls
    are in no file has no first call.
    """

    step: int
    phase: Phase
    arm: str
    profile: str
    load: float
    calls_per_second: float
    first_call: int | None
    calls: int
    warm_up: int
    began_unix: float
    ended_unix: float
    decision: Decision
    because: str
    criteria: tuple[Tally, ...] = ()
    tester: Tester | None = None

    def holds(self, call_id: str) -> bool:
        """Whether a call is one of this step's."""
        return self.first_call is not None and (
            self.first_call <= call_number(call_id) < self.first_call + self.calls
        )

    def document(self) -> dict[str, Any]:
        """The step as JSON writes it."""
        document: dict[str, Any] = {
            "step": self.step,
            "phase": self.phase.value,
            "arm": self.arm,
            "profile": self.profile,
            "load": self.load,
            "calls_per_second": self.calls_per_second,
            "first_call": self.first_call,
            "calls": self.calls,
            "warm_up": self.warm_up,
            "began_unix": self.began_unix,
            "ended_unix": self.ended_unix,
            "decision": self.decision.value,
            "because": self.because,
            "criteria": [{"name": one.name, "n": one.n, "bad": one.bad} for one in self.criteria],
        }
        if self.tester is not None:
            document["tester"] = {
                "dial_lag_p99_s": self.tester.dial_lag_p99_s,
                "dropped": self.tester.dropped,
                "cpu_busiest": self.tester.cpu_busiest,
            }
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The step that JSON holds; keys that a newer version added are passed over.

        Raises:
            ValueError: a key is missing, or its value is none that a step can have.
        """
        try:
            plain = {name: document[name] for name in _PLAIN}
            tester = document.get("tester")
            return cls(
                **plain,
                phase=Phase(document["phase"]),
                decision=Decision(document["decision"]),
                criteria=tuple(Tally(one["name"], one["n"], one["bad"]) for one in document["criteria"]),
                tester=None
                if tester is None
                else Tester(tester["dial_lag_p99_s"], tester["dropped"], tester["cpu_busiest"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a step of a capacity run: {error!r}") from error


_PLAIN = (
    "step",
    "arm",
    "profile",
    "load",
    "calls_per_second",
    "first_call",
    "calls",
    "warm_up",
    "began_unix",
    "ended_unix",
    "because",
)


def call_number(call_id: str) -> int:
    """The number at the end of a call's name, -1 where there is none."""
    number = call_id.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else -1
