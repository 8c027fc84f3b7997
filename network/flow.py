"""Where one flow is in its random numbers, and what the link does to it in the units of the model."""

import math
from collections.abc import Callable
from random import Random

from network.distribution import correlated_draw, draw
from network.impairment import DEFAULT_QUEUE_MS, Fragments, Impairment, Jitter

_NEVER = math.inf
_FOR_EVER = 1e15  # packets


def constant_delay_s(impairment: Impairment) -> float | None:
    """The delay of an impairment that does nothing else, in seconds; None for any other."""
    delay_s = impairment.delay_ms / 1000
    return delay_s if impairment == Impairment(delay_ms=impairment.delay_ms) else None


class Course:
    """An impairment in the units of the model, with what it lacks as values that change nothing."""

    __slots__ = (
        "again_rate",
        "again_s",
        "byte_s",
        "delay_s",
        "doubled_rate",
        "drops_fragments",
        "has_rare",
        "impairment",
        "largest_bytes",
        "ordered",
        "overtaken_rate",
        "overtaken_s",
        "queue_bytes",
        "queue_s",
        "slot_s",
    )

    def __init__(self, impairment: Impairment) -> None:
        self.impairment = impairment
        self.delay_s = impairment.delay_ms / 1000
        self.ordered = impairment.jitter is None or impairment.jitter.ordered
        self.byte_s = 8 / (1000 * impairment.rate_kbps) if impairment.rate_kbps else 0.0
        bytes_bound = impairment.queue_bytes
        self.queue_bytes = _NEVER if bytes_bound is None else bytes_bound
        bound_ms = impairment.queue_ms if impairment.queue_ms is not None else DEFAULT_QUEUE_MS
        self.queue_s = bound_ms / 1000 if bytes_bound is None else _NEVER
        self.slot_s = impairment.slot_ms / 1000 if impairment.slot_ms else 0.0
        again, overtaken = impairment.retransmission, impairment.reorder
        self.again_rate, self.again_s = (again.rate, again.by_ms / 1000) if again else (0.0, 0.0)
        self.overtaken_rate, self.overtaken_s = (
            (overtaken.rate, overtaken.by_ms / 1000) if overtaken else (0.0, 0.0)
        )
        self.doubled_rate = impairment.duplicate
        self.has_rare = bool(self.again_rate or self.overtaken_rate or self.doubled_rate)
        self.largest_bytes = impairment.mtu_bytes or _NEVER
        self.drops_fragments = impairment.fragments is Fragments.DROP


class Flow:
    """The random numbers of one flow: its losses, its delays, and what befalls few packets."""

    __slots__ = (
        "_correlated",
        "_delays",
        "_jitter",
        "_jitter_s",
        "_leave_bad",
        "_leave_good",
        "_losses",
        "_rare",
        "_released_s",
        "_until_again",
        "_until_change",
        "_until_doubled",
        "_until_overtaken",
        "again",
        "course",
        "doubled",
        "last_s",
        "losing",
        "overtaken",
        "was_lost",
    )

    def __init__(self, key: str, course: Course, now_s: float) -> None:
        self._losses = Random(f"{key}|losses")
        self._delays = Random(f"{key}|delays")
        self._rare = Random(f"{key}|rare")
        self._jitter: Callable[[], float] | None = None
        self._correlated: Callable[[float], float] | None = None
        self._jitter_s = 0.0
        self._released_s = -_NEVER
        self._leave_bad = self._leave_good = 0.0
        self._until_change = self._until_again = self._until_overtaken = self._until_doubled = _NEVER
        self.course = course
        self.last_s = now_s
        self.losing = self.was_lost = self.again = self.overtaken = self.doubled = False
        self._shake(course.impairment.jitter)
        self._begin(course)

    def enter(self, course: Course) -> None:
        """Begin with another impairment, as a flow that has been under it for long."""
        if course.impairment.jitter != self.course.impairment.jitter:
            self._shake(course.impairment.jitter)
        self._begin(course)

    def draw(self, now_s: float) -> None:
        """Draw what becomes of the next packet, whatever else may keep it from getting there."""
        self._until_change -= 1
        if self._until_change < 0:
            self._change()
        if self._jitter is not None:
            self._jitter_s = self._jitter()
        elif self._correlated is not None:
            self._jitter_s = self._correlated(now_s - self.last_s)
        self.last_s = now_s
        course = self.course
        if course.has_rare:
            self._until_again -= 1
            if again := self._until_again < 0:
                self._until_again = self._gap(course.again_rate)
            self._until_overtaken -= 1
            if overtaken := self._until_overtaken < 0:
                self._until_overtaken = self._gap(course.overtaken_rate)
            self._until_doubled -= 1
            if doubled := self._until_doubled < 0:
                self._until_doubled = self._gap(course.doubled_rate)
            self.again, self.overtaken, self.doubled = again, overtaken, doubled

    def arrival_s(self, sent_s: float, phase: float) -> float:
        """When the packet drawn last arrives, had it gone out at `sent_s`; slots begin at `phase` of one."""
        course = self.course
        at_s = sent_s + course.delay_s
        if course.slot_s:
            at_s = (math.ceil(at_s / course.slot_s - phase) + phase) * course.slot_s
        at_s += self._jitter_s
        if self.again:
            at_s += course.again_s
        if course.ordered:
            if at_s < self._released_s:
                return self._released_s
            self._released_s = at_s
        return at_s

    def _change(self) -> None:
        """Go over from losing packets to passing them, or back, and draw for how many."""
        self.losing = not self.losing
        self._until_change = _packets_until(
            self._leave_bad if self.losing else self._leave_good, self._losses
        )

    def _gap(self, rate: float) -> float:
        """How many packets pass before the next one that something rare happens to."""
        return _packets_until(rate, self._rare)

    def _begin(self, course: Course) -> None:
        self.course = course
        self._begin_losses(course.impairment)
        self.again = self.overtaken = self.doubled = False
        self._until_again = self._gap(course.again_rate)
        self._until_overtaken = self._gap(course.overtaken_rate)
        self._until_doubled = self._gap(course.doubled_rate)

    def _shake(self, jitter: Jitter | None) -> None:
        self._jitter_s, self._jitter, self._correlated = 0.0, None, None
        if jitter is not None and jitter.time_constant_ms:
            self._correlated = correlated_draw(jitter, self._delays)
        elif jitter is not None:
            self._jitter = draw(jitter, self._delays)

    def _begin_losses(self, impairment: Impairment) -> None:
        loss = impairment.loss
        if loss is None or loss.rate in (0, 1):
            self.losing, self._until_change = loss is not None and loss.rate == 1, _NEVER
            return
        self._leave_bad = 1 / loss.burst
        self._leave_good = min(1.0, self._leave_bad * loss.rate / (1 - loss.rate))
        self.losing = self._losses.random() >= loss.rate  # turned around by the change that follows
        self._change()
        self._until_change += 1


def _packets_until(rate: float, random: Random) -> float:
    """How many packets come before the first with something that befalls each at this rate (geometric)."""
    if rate >= 1:
        return 0
    if rate <= 0:
        return _NEVER
    return min(math.log(1.0 - random.random()) / math.log1p(-rate), _FOR_EVER) // 1
