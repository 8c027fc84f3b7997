"""A phone for tests: calls behave as told on a clock that only moves when somebody waits."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sip.heard import RtpStats
from sip.phone import (
    Answered,
    ByeAnswered,
    ByeSent,
    CancelSent,
    Closed,
    Event,
    FarEndBye,
    FirstAudio,
    FirstPacket,
    InviteSent,
    Lost,
    Order,
    PhoneHealth,
    Rejected,
    Ringing,
    Trying,
)


@dataclass(slots=True)
class FakeClock:
    """A clock in seconds; `now` can stand in for `time.monotonic`."""

    now_s: float = 0.0

    def now(self) -> float:
        """The time it shows."""
        return self.now_s


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """What the far end does with one call; delays in seconds, None never.

    `ring_s` and `final_s` count from the INVITE, the others from the answer. A `status` of 300 or more is a
    rejection; `loses_s` is when the phone itself fails the call.
    """

    ring_s: float | None = 0.01
    final_s: float | None = 0.5
    status: int = 200
    reason: str = "OK"
    is_local: bool = False
    packet_s: float | None = 0.05
    audio_s: float | None = 0.3
    hangs_up_s: float | None = None
    answers_cancel: bool = True
    answers_bye: bool = True
    loses_s: float | None = None


class FakePhone:
    """Plays `behave(order)` for each order; has `lines` lines."""

    measures_audio = True

    def __init__(self, clock: FakeClock, behave: Callable[[Order], FarEnd], *, lines: int = 1000) -> None:
        self.orders: list[Order] = []
        self.closed = False
        self.kept: dict[str, Path] = {}
        self._clock = clock
        self._behave = behave
        self._free = lines
        self._ends: dict[str, FarEnd] = {}
        self._answered: set[str] = set()
        self._queue: list[tuple[float, int, Event]] = []
        self._sequence = itertools.count()

    def dial(self, order: Order) -> bool:
        """Take the order while there is a line."""
        if self._free == 0:
            return False
        self._free -= 1
        self.orders.append(order)
        end = self._ends[order.call_id] = self._behave(order)
        now_s, call_id = self._clock.now_s, order.call_id
        self._push(InviteSent(call_id, now_s, f"{call_id}@fake"))
        if end.ring_s is not None:
            self._push(Trying(call_id, now_s + end.ring_s / 2))
            self._push(Ringing(call_id, now_s + end.ring_s, 180, "Ringing"))
        if end.loses_s is not None:
            self._push(Lost(call_id, now_s + end.loses_s, "worker died"))
        if end.final_s is not None:
            self._finalise(end, call_id, now_s + end.final_s)
        return True

    def cancel(self, call_id: str) -> None:
        """CANCEL; a far end that answers it says 487."""
        if call_id not in self._ends:
            return
        if call_id in self._answered:
            self.bye(call_id)
            return
        now_s = self._clock.now_s
        self._push(CancelSent(call_id, now_s))
        if self._ends[call_id].answers_cancel:
            self._forget(call_id)
            self._push(
                Rejected(call_id, now_s + 0.01, 487, "Request Terminated", is_local=False, to_tag="far")
            )
            self._push(Closed(call_id, now_s + 0.01, None))

    def bye(self, call_id: str) -> None:
        """BYE."""
        if call_id not in self._ends:
            return
        now_s = self._clock.now_s
        self._forget(call_id)
        self._push(ByeSent(call_id, now_s))
        if self._ends[call_id].answers_bye:
            self._push(ByeAnswered(call_id, now_s + 0.01))
            self._push(Closed(call_id, now_s + 0.01, RtpStats(250, 250, 0, 0, 0, 0.5, 1.0)))

    def drop(self, call_id: str) -> None:
        """Forget the call."""
        if call_id in self._ends:
            self._forget(call_id)
            self._push(Closed(call_id, self._clock.now_s, None))

    def events(self) -> list[Event]:
        """All events whose time has come."""
        due: list[Event] = []
        while self._queue and self._queue[0][0] <= self._clock.now_s:
            event = heapq.heappop(self._queue)[2]
            if event.call_id not in self._ends:
                continue
            if isinstance(event, Answered):
                self._answered.add(event.call_id)
            if isinstance(event, Closed | Lost):
                del self._ends[event.call_id]
                self._free += 1
            due.append(event)
        return due

    def keep(self, call_id: str, path: Path) -> None:
        """Remember where it was to be written."""
        self.kept[call_id] = path

    def discard(self, call_id: str) -> None:
        """There is nothing to forget."""

    def wait(self, timeout_s: float) -> None:
        """Move the clock to the next event, at most by `timeout_s`."""
        until_s = self._clock.now_s + max(timeout_s, 0.0)
        if self._queue:
            until_s = min(until_s, max(self._queue[0][0], self._clock.now_s))
        self._clock.now_s = until_s

    def health(self) -> PhoneHealth:
        """Nothing to report."""
        return PhoneHealth(processes=(), loop_lag_s=None, restarts=0)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _finalise(self, end: FarEnd, call_id: str, at_s: float) -> None:
        if end.status >= 300:
            self._push(Rejected(call_id, at_s, end.status, end.reason, end.is_local, "far"))
            self._push(Closed(call_id, at_s, None))
            return
        self._push(Answered(call_id, at_s, end.status, end.reason, "far"))
        if end.packet_s is not None:
            self._push(FirstPacket(call_id, at_s + end.packet_s))
        if end.audio_s is not None:
            self._push(FirstAudio(call_id, at_s + end.audio_s))
        if end.hangs_up_s is not None:
            self._push(FarEndBye(call_id, at_s + end.hangs_up_s))
            self._push(Closed(call_id, at_s + end.hangs_up_s, RtpStats(50, 50, 0, 0, 0, 0.5, None)))

    def _push(self, event: Event) -> None:
        heapq.heappush(self._queue, (event.at_s, next(self._sequence), event))

    def _forget(self, call_id: str) -> None:
        """Take back what the far end would have done after this moment."""
        now_s = self._clock.now_s
        self._queue = [entry for entry in self._queue if entry[2].call_id != call_id or entry[0] <= now_s]
        heapq.heapify(self._queue)
