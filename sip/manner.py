"""How an answering side takes its calls: how long it rings, how many at once, whom it refuses."""

import random
from dataclasses import dataclass
from enum import StrEnum

_REASONS = {
    302: "Moved Temporarily",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}
_LIMIT_REACHED = (503, "Call Limit Reached")


class Service(StrEnum):
    """How the time that it takes to set a call up is spread around its mean."""

    CONSTANT = "constant"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What callers meet; None is no limit.

    `at_once` calls are set up at a time, each in `ring_s`, so that beyond `at_once` / `ring_s` calls a second
    the queue grows without end; `limit` calls are up at most.
    """

    ring_s: float = 0.1
    service: Service = Service.CONSTANT
    at_once: int | None = None
    limit: int | None = None
    busy_share: float = 0.0
    status: int | None = None
    silent: bool = False
    seed: int = 1

    def refusal(self, *, calls_up: int) -> tuple[int, str] | None:
        """Status and reason with which the next call is refused at once, or None where it is taken."""
        if self.status is not None:
            return self.status, _REASONS.get(self.status, "Refused")
        if self.limit is not None and calls_up >= self.limit:
            return _LIMIT_REACHED
        return None


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one call: `set_up_s` in service, then an answer or, where it is `busy`, 486."""

    set_up_s: float
    busy: bool


class Fates:
    """The fates of calls in the order in which they come, the same for the same seed."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._random = random.Random(manner.seed)

    def draw(self) -> Fate:
        """The next call's."""
        manner = self._manner
        busy = self._random.random() < manner.busy_share
        if manner.service is Service.EXPONENTIAL and manner.ring_s > 0:
            return Fate(self._random.expovariate(1 / manner.ring_s), busy)
        return Fate(manner.ring_s, busy)
