"""Where one flow is in its random numbers, and what the link does to it in the units of the model."""

import math
from collections.abc import Callable
from random import Random

from network.distribution import correlated_draw, draw
from network.impairment import DEFAULT_QUEUE_MS, Fragments, Impairment, Jitter, Loss

_NEVER = math.inf
_FOR_EVER = 1e15  # packets
_SLOT_S = 0.02  # between two packets of voice
_PAUSE_S = 1.5 * _SLOT_S


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
        "_leave_good",
        "_loss",
        "_losses",
        "_rare",
        "_released_s",
        "_stay_bad",
        "_until_again",
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
        self._loss: Loss | None = None
        self._stay_bad = self._leave_good = 0.0
        self._until_again = self._until_overtaken = self._until_doubled = _NEVER
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
        if self._loss is not None:
            since_s = now_s - self.last_s
            if since_s < _PAUSE_S:
                share = self._stay_bad if self.losing else self._leave_good
            else:
                share = _share_after(self._loss, since_s, losing=self.losing)
            self.losing = self._losses.random() < share
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
            self.losing, self._loss = loss is not None and loss.rate == 1, None
            return
        self._loss = loss
        self._stay_bad = _share_after(loss, _SLOT_S, losing=True)
        self._leave_good = _share_after(loss, _SLOT_S, losing=False)
        self.losing = self._losses.random() < loss.rate


def _share_after(loss: Loss, since_s: float, *, losing: bool) -> float:
    """The share of packets lost that follow one which was lost, or was not, after so long (Gilbert's chain).

    A burst is one of voice, a packet each 20 ms: who pauses, such as SIP between two transmissions, finds
    that as many packets of it have gone by.
    """
    leave_bad = 1 / loss.burst
    leave_good = min(1.0, leave_bad * loss.rate / (1 - loss.rate))
    memory = (1 - leave_bad - leave_good) ** max(1, round(since_s / _SLOT_S))
    return loss.rate + (1 - loss.rate) * memory if losing else loss.rate - loss.rate * memory


def _packets_until(rate: float, random: Random) -> float:
    """How many packets come before the first with something that befalls each at this rate (geometric)."""
    if rate >= 1:
        return 0
    if rate <= 0:
        return _NEVER
    return min(math.log(1.0 - random.random()) / math.log1p(-rate), _FOR_EVER) // 1
