"""A plan carried out on a phone: dials at their due times, drives each call, hands over each record."""

import heapq
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sip.call import Call
from sip.outcome import Outcome
from sip.phase import Command, Limits
from sip.phone import Order, Phone
from sip.plan import Dial
from sip.record import CallRecord, Epoch
from sip.recording import Recordings
from sip.undialled import never_dialled

NO_LINE = "dropped: no free line within {bound:g} s of the due time"
TOO_MANY = "dropped: {limit} calls were up, which is --max-concurrent, until {bound:g} s after the due time"
LATE = "dropped: the tester was {late:.1f} s late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the calls of a campaign are made.

    `numbers` maps each arm to the number that reaches it. A dial that found no line `dial_bound_s` after it
    was due is dropped. `retry_s` is how long to wait before asking a phone without a free line again.
    """

    run_id: str
    numbers: Mapping[str, str]
    limits: Limits = field(default_factory=Limits)
    max_concurrent: int | None = None
    stop_after_failures: int = 50
    dial_bound_s: float = 1.0
    retry_s: float = 0.02


class Campaign:
    """`place` some dials, then call `step` at the time it asked for, or earlier when the phone has events.

    It is `done` when all of them have their record, and more may be placed. Time comes in as an argument;
    records count from `epoch`. Latency counts from due times (an open model), so a late tester shows as dial
    lag and never as a faster system.
    """

    def __init__(
        self,
        phone: Phone,
        settings: Settings,
        *,
        epoch: Epoch,
        worker: str,
        on_record: Callable[[CallRecord], None],
        recordings: Recordings | None = None,
    ) -> None:
        self._dials: Iterator[Dial] = iter(())
        self._next: Dial | None = None
        self._start_s = 0.0
        self._phone = phone
        self._settings = settings
        self._epoch = epoch
        self._worker = worker
        self._on_record = on_record
        self._recordings = recordings
        self._calls: dict[str, Call] = {}
        self._watched: dict[str, float] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._blocked_until_s = 0.0
        self.dropped_dials = 0
        self.failures_in_a_row = 0
        self.stop_reason: str | None = None

    @property
    def calls_up(self) -> int:
        """Calls that were ordered and have not ended."""
        return len(self._calls)

    @property
    def dialling(self) -> bool:
        """Whether there are calls still to be made."""
        return self._next is not None

    @property
    def done(self) -> bool:
        """Whether every dial has its record."""
        return self._next is None and not self._calls

    def place(self, dials: Iterator[Dial], *, start_s: float) -> None:
        """Place these next, each due so long after `start_s`, once all before have been placed."""
        self._dials, self._start_s = dials, start_s
        self._next = next(dials, None)
        self._blocked_until_s = start_s
        self.failures_in_a_row, self.stop_reason = 0, None

    def call(self, call_id: str) -> Call | None:
        """A call that is up."""
        return self._calls.get(call_id)

    def step(self, now_s: float) -> float:
        """Do all that is due at `now_s`; the answer is when to come back if the phone stays quiet."""
        for event in self._phone.events():
            call = self._calls.get(event.call_id)
            if call is not None:
                self._command(call, call.handle(event))
        while self._deadlines and self._deadlines[0][0] <= now_s:
            call = self._calls.get(heapq.heappop(self._deadlines)[1])
            if call is not None:  # one that moved its deadline does nothing now, and has its new entry
                self._command(call, call.expire(now_s))
        self._dial(now_s)
        return min(self._next_dial_s(), self._deadlines[0][0] if self._deadlines else math.inf)

    def stop_dialling(self, reason: str | None = None) -> None:
        """Make no new calls and let those that are up live to their end."""
        if self._next is not None:
            self.stop_reason = self.stop_reason or reason
            self._next = None
            self._dials = iter(())

    def abort(self, now_s: float, reason: str = "interrupted") -> None:
        """Make no new calls and end all others now; each leaves its record within the bounds of `Limits`."""
        self.stop_dialling(reason)
        for call in list(self._calls.values()):
            self._command(call, call.abort(now_s))

    def _dial(self, now_s: float) -> None:
        settings = self._settings
        while (dial := self._next) is not None and now_s >= self._next_dial_s():
            due_s = self._start_s + dial.due_s
            late_s = now_s - due_s
            full = settings.max_concurrent is not None and len(self._calls) >= settings.max_concurrent
            call_id = self.call_id(dial.index)
            recorded = self._recordings is not None and self._recordings.wanted(call_id)
            order = Order(call_id, settings.numbers[dial.arm], dial.from_user, dial.profile, recorded)
            if not full and late_s <= settings.dial_bound_s and self._phone.dial(order):
                call = self._calls[order.call_id] = Call(
                    dial,
                    call_id=order.call_id,
                    number=order.number,
                    due_s=due_s,
                    ordered_s=now_s,
                    limits=settings.limits,
                )
                self._watch(call)
            elif late_s < settings.dial_bound_s:
                self._blocked_until_s = min(now_s + settings.retry_s, due_s + settings.dial_bound_s)
                return
            else:
                self._drop(dial, self._why_dropped(late_s, full=full, waited=self._blocked_until_s > due_s))
            self._next = next(self._dials, None)

    def _why_dropped(self, late_s: float, *, full: bool, waited: bool) -> str:
        bound = self._settings.dial_bound_s
        if full:
            return TOO_MANY.format(limit=self._settings.max_concurrent, bound=bound)
        return NO_LINE.format(bound=bound) if waited else LATE.format(late=late_s)

    def _next_dial_s(self) -> float:
        if self._next is None:
            return math.inf
        return max(self._start_s + self._next.due_s, self._blocked_until_s)

    def _command(self, call: Call, command: Command | None) -> None:
        match command:
            case Command.CANCEL:
                self._phone.cancel(call.call_id)
            case Command.BYE:
                self._phone.bye(call.call_id)
            case Command.DROP:
                self._phone.drop(call.call_id)
        if not call.ended:
            self._watch(call)
        else:
            del self._calls[call.call_id]
            del self._watched[call.call_id]
            record = call.record(
                epoch=self._epoch, worker=self._worker, measures_audio=self._phone.measures_audio
            )
            self._hand_over(record if self._recordings is None else self._recordings.judged(record))

    def _watch(self, call: Call) -> None:
        """Note the call's deadline, once for each value that it takes."""
        if self._watched.get(call.call_id) != call.deadline_s:
            self._watched[call.call_id] = call.deadline_s
            heapq.heappush(self._deadlines, (call.deadline_s, call.call_id))

    def _drop(self, dial: Dial, error: str) -> None:
        self.dropped_dials += 1
        self._hand_over(
            never_dialled(
                dial,
                call_id=self.call_id(dial.index),
                number=self._settings.numbers[dial.arm],
                due_s=self._start_s + dial.due_s,
                epoch=self._epoch,
                worker=self._worker,
                error=error,
            )
        )

    def _hand_over(self, record: CallRecord) -> None:
        self._on_record(record)
        if record.outcome is Outcome.ANSWERED:
            self.failures_in_a_row = 0
            return
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= self._settings.stop_after_failures:
            self.stop_dialling(
                f"{self.failures_in_a_row} calls in a row failed, the last one as {record.outcome}: "
                "see whether the trunk is up, or raise --stop-after-failures"
            )

    def call_id(self, index: int) -> str:
        """The id of the dial of that number."""
        return f"{self._settings.run_id}-{index}"
