"""A model of a far end and of the phone in front of it: whole calls as RFC 3261 lets a caller see them."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sip import phone
from sip.fake_phone import FakeClock
from sip.heard import RtpStats

RTP = RtpStats(9, 9, 0, 0, 0, 0.5, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What becomes of a call whose caller waits; delays in seconds, None never.

    The INVITE counts from the order, what follows up to the final status from the INVITE, the conversation
    from the answer. What a CANCEL and a BYE take begins with each: whatever comes meanwhile crosses it.
    """

    invite_s: float = 0.0
    trying_s: float | None = None
    rings_s: tuple[float, ...] = ()
    final_s: float | None = None
    status: int = 200
    is_local: bool = False
    packet_s: float | None = None
    audio_s: float | None = None
    hangs_up_s: float | None = None
    cancel_takes_s: float | None = 0.01
    bye_takes_s: float | None = 0.01
    dies_s: float | None = None

    @property
    def answers(self) -> bool:
        """Whether the final status is a 2xx."""
        return self.final_s is not None and self.status < 300


Fate = Callable[[phone.Event], Sequence[float]]


def punctual(event: phone.Event) -> Sequence[float]:
    """Each event is heard of once, at once; other fates lose it (no delay) or repeat it (several)."""
    return (0.0,)


@dataclass(slots=True)
class _Leg:
    """One call as the phone has it; `coming` is what has not happened yet."""

    story: Story
    coming: list[tuple[float, int, phone.Event]] = field(default_factory=list)
    invited: bool = False
    proceeding: bool = False
    answered: bool = False
    over: bool = False
    cancelling: bool = False
    hung_up: bool = False


class WirePhone:
    """Call number n lives story n; `fate` says with which delays the campaign hears of each event.

    All that it was told is in `commands`, all that happened in `happened`, all that was heard in `heard`.
    """

    measures_audio = True

    def __init__(self, clock: FakeClock, stories: Sequence[Story], fate: Fate = punctual) -> None:
        self.commands: dict[str, list[str]] = {}
        self.happened: dict[str, list[phone.Event]] = {}
        self.heard: dict[str, list[phone.Event]] = {}
        self._clock = clock
        self._stories = iter(stories)
        self._fate = fate
        self._legs: dict[str, _Leg] = {}
        self._delivery: list[tuple[float, int, phone.Event]] = []
        self._sequence = itertools.count()

    def dial(self, order: phone.Order) -> bool:
        """There is always a line."""
        one, call_id = next(self._stories), order.call_id
        leg = self._legs[call_id] = _Leg(one)
        self.commands[call_id], self.happened[call_id], self.heard[call_id] = [], [], []
        sent_s = self._clock.now_s + one.invite_s
        self._plan(leg, phone.InviteSent(call_id, sent_s, f"{call_id}@wire"))
        if one.trying_s is not None:
            self._plan(leg, phone.Trying(call_id, sent_s + one.trying_s))
        for ring_s in one.rings_s:
            self._plan(leg, phone.Ringing(call_id, sent_s + ring_s, 180, "Ringing"))
        if one.dies_s is not None:
            self._plan(leg, phone.Lost(call_id, sent_s + one.dies_s, "worker died"))
        if one.final_s is not None and one.answers:
            self._converse(leg, call_id, sent_s + one.final_s)
        elif one.final_s is not None:
            self._reject(leg, call_id, sent_s + one.final_s, one.status, is_local=one.is_local)
        return True

    def cancel(self, call_id: str) -> None:
        """It leaves with the first provisional response (section 9.1); of an answered call it is a BYE."""
        leg = self._commanded(call_id, "cancel")
        if leg.over:
            return
        if leg.answered:
            self._hang_up(leg, call_id)
        elif not leg.invited:
            self._forget(leg)
            self._plan(leg, phone.Closed(call_id, self._clock.now_s, None))
        else:
            leg.cancelling = True
            if leg.proceeding:
                self._cancel(leg, call_id, self._clock.now_s)

    def bye(self, call_id: str) -> None:
        """Hang up."""
        leg = self._commanded(call_id, "bye")
        if not leg.over:
            self._hang_up(leg, call_id)

    def drop(self, call_id: str) -> None:
        """The stack ends the transaction, and makes up the status of a call that has none."""
        leg = self._commanded(call_id, "drop")
        if leg.over:
            return
        self._forget(leg)
        if leg.invited and not leg.answered:
            self._reject(leg, call_id, self._clock.now_s, 408, is_local=True)
        else:
            self._plan(leg, phone.Closed(call_id, self._clock.now_s, None))

    def events(self) -> list[phone.Event]:
        """What is heard of by now."""
        self._happen()
        heard = []
        while self._delivery and self._delivery[0][0] <= self._clock.now_s:
            heard.append(heapq.heappop(self._delivery)[2])
            self.heard[heard[-1].call_id].append(heard[-1])
        return heard

    def wait(self, timeout_s: float) -> None:
        """Move the clock to what is heard of next, at most by `timeout_s`."""
        until_s = self._clock.now_s + timeout_s
        while (next_s := self._next_s()) <= until_s and not self._hears(next_s):
            self._clock.now_s = max(self._clock.now_s, next_s)
            self._happen()
        self._clock.now_s = max(self._clock.now_s, min(until_s, next_s))

    def keep(self, call_id: str, path: Path) -> None:
        """There is nothing to write."""

    def discard(self, call_id: str) -> None:
        """There is nothing to forget."""

    def health(self) -> phone.PhoneHealth:
        """Nothing to report."""
        return phone.PhoneHealth(processes=(), loop_lag_s=None, restarts=0)

    def close(self) -> None:
        """Nothing to let go."""

    def _next_s(self) -> float:
        coming = [leg.coming[0][0] for leg in self._legs.values() if leg.coming]
        return min([*coming, *(at_s for at_s, _, _ in self._delivery[:1])], default=float("inf"))

    def _hears(self, at_s: float) -> bool:
        return bool(self._delivery) and self._delivery[0][0] <= at_s

    def _commanded(self, call_id: str, name: str) -> _Leg:
        self._happen()
        self.commands[call_id].append(name)
        return self._legs[call_id]

    def _happen(self) -> None:
        for call_id, leg in self._legs.items():
            while leg.coming and leg.coming[0][0] <= self._clock.now_s:
                event = heapq.heappop(leg.coming)[2]
                self._apply(leg, event)
                self.happened[call_id].append(event)
                for delay_s in self._fate(event):
                    heapq.heappush(self._delivery, (event.at_s + delay_s, next(self._sequence), event))

    def _apply(self, leg: _Leg, event: phone.Event) -> None:
        match event:
            case phone.InviteSent():
                leg.invited = True
            case phone.Trying() | phone.Ringing():
                if leg.cancelling and not leg.proceeding:
                    self._cancel(leg, event.call_id, event.at_s)
                leg.proceeding = True
            case phone.Answered():
                leg.answered = True
            case phone.FarEndBye() | phone.Rejected():
                self._forget(leg)
                rtp = RTP if leg.answered else None
                self._plan(leg, phone.Closed(event.call_id, event.at_s, rtp))
            case phone.Closed() | phone.Lost():
                leg.over = True
                leg.coming.clear()

    def _cancel(self, leg: _Leg, call_id: str, now_s: float) -> None:
        self._plan(leg, phone.CancelSent(call_id, now_s))
        if leg.story.cancel_takes_s is None:
            return
        decided_s = now_s + leg.story.cancel_takes_s
        if not any(
            at_s <= decided_s and isinstance(event, phone.Answered | phone.Rejected)
            for at_s, _, event in leg.coming
        ):
            self._forget(leg, after_s=decided_s)
            self._reject(leg, call_id, decided_s, 487, is_local=False)

    def _hang_up(self, leg: _Leg, call_id: str) -> None:
        if leg.hung_up:
            return
        leg.hung_up = True
        now_s, takes_s = self._clock.now_s, leg.story.bye_takes_s
        self._plan(leg, phone.ByeSent(call_id, now_s))
        if takes_s is not None:
            self._forget(leg, after_s=now_s + takes_s)
            self._plan(leg, phone.ByeAnswered(call_id, now_s + takes_s))
            self._plan(leg, phone.Closed(call_id, now_s + takes_s, RTP))

    def _converse(self, leg: _Leg, call_id: str, at_s: float) -> None:
        one = leg.story
        self._plan(leg, phone.Answered(call_id, at_s, one.status, "OK", "far"))
        if one.packet_s is not None:
            self._plan(leg, phone.FirstPacket(call_id, at_s + one.packet_s))
            if one.audio_s is not None:
                self._plan(leg, phone.FirstAudio(call_id, at_s + one.packet_s + one.audio_s))
        if one.hangs_up_s is not None:
            self._plan(leg, phone.FarEndBye(call_id, at_s + one.hangs_up_s))

    def _reject(self, leg: _Leg, call_id: str, at_s: float, status: int, *, is_local: bool) -> None:
        tag = None if is_local else "far"
        self._plan(leg, phone.Rejected(call_id, at_s, status, "Because", is_local, tag))

    def _plan(self, leg: _Leg, event: phone.Event) -> None:
        heapq.heappush(leg.coming, (event.at_s, next(self._sequence), event))

    def _forget(self, leg: _Leg, after_s: float = float("-inf")) -> None:
        """Take back what would have happened after this; the phone's own death stays."""
        leg.coming = [
            entry for entry in leg.coming if entry[0] <= after_s or isinstance(entry[2], phone.Lost)
        ]
        heapq.heapify(leg.coming)
