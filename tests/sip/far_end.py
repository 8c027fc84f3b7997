"""What a caller can see of one call by RFC 3261: a far end and a phone that keep to it, as a simulation."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sip import phone
from sip.call import Call
from sip.outcome import Outcome, from_status
from sip.phase import Command, Limits

ORDERED_S = 101.0
LEAVES_S = 0.001  # from a command to its request on the wire
Deliver = Callable[[phone.Event], list[tuple[float, phone.Event]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happens of itself, in seconds: from the order to the INVITE, from there to all that answers it.

    `crosses` is how soon after our CANCEL or BYE the far end's own answer or BYE still comes, having left
    before ours was there. None is never.
    """

    invite_s: float | None = 0.1
    tries: bool = True
    rings_s: tuple[float, ...] = (0.2,)
    status: int | None = 200
    final_s: float = 1.0
    hangs_up_s: float | None = None  # from its answer
    crosses_s: float = 0.05
    cancel_answered_s: float | None = 0.02
    bye_answered_s: float | None = 0.02
    closes: bool = True

    def outcome(self, limits: Limits) -> Outcome:
        """What is to be recorded."""
        if self.invite_s is None or self.invite_s >= limits.invite_s:
            return Outcome.TESTER_FAILED
        rang = [at_s for at_s in self._rings() if at_s < limits.setup_timeout_s]
        patience_s = rang[0] + limits.ring_timeout_s if rang else limits.setup_timeout_s
        if self.status is None or self.final_s >= patience_s:
            return Outcome.UNANSWERED if rang else Outcome.NO_RESPONSE
        if self.status < 300:
            return Outcome.ANSWERED
        return from_status(self.status, "Because", is_local=False, rang=bool(rang))

    def events(self) -> Iterator[phone.Event]:
        """All that comes where the caller does nothing, in order."""
        if self.invite_s is None:
            return
        begun_s = ORDERED_S + self.invite_s
        yield phone.InviteSent("c", begun_s, "x@y")
        if self.tries:
            yield phone.Trying("c", begun_s + 0.01)
        for at_s in self._rings():
            yield phone.Ringing("c", begun_s + at_s, 180, "Ringing")
        final_s = begun_s + self.final_s
        if self.status is not None and self.status < 300:
            yield phone.Answered("c", final_s, self.status, "OK", "tag")
            yield phone.FirstPacket("c", final_s + 0.1)
            yield phone.FirstAudio("c", final_s + 0.3)
            if self.hangs_up_s is not None:
                yield phone.FarEndBye("c", final_s + self.hangs_up_s)
                yield phone.Closed("c", final_s + self.hangs_up_s, None)
        elif self.status is not None:
            yield phone.Rejected("c", final_s, self.status, "Because", is_local=False, to_tag="tag")
            yield phone.Closed("c", final_s, None)

    def _rings(self) -> list[float]:
        return sorted(at_s for at_s in self.rings_s if self.status is None or at_s < self.final_s)


@dataclass(slots=True)
class Played:
    """How a call went: the commands that it gave, and how often it did something because time had passed."""

    commands: list[Command] = field(default_factory=list)
    handled: list[phone.Event] = field(default_factory=list)
    expiries: int = 0


def faithful(event: phone.Event) -> list[tuple[float, phone.Event]]:
    """Every event reaches the call once, at once."""
    return [(event.at_s, event)]


def play(course: Course, call: Call, deliver: Deliver = faithful, pump_dies_s: float | None = None) -> Played:
    """Let the call live to its end; `deliver` says when, and how often, an event reaches it."""
    played, order = Played(), itertools.count()
    queue: list[tuple[float, int, phone.Event]] = []

    def push(*events: phone.Event) -> None:
        for event in events:
            for at_s, copy in deliver(event):
                heapq.heappush(queue, (at_s, next(order), copy))

    push(*course.events())
    if pump_dies_s is not None:
        push(phone.MediaLost("c", ORDERED_S + pump_dies_s, "the pump died"))
    while not call.ended:
        assert played.expiries < 10, "it waits again and again"
        if queue and queue[0][0] <= call.deadline_s:
            now_s, _, event = heapq.heappop(queue)
            played.handled.append(event)
            command = call.handle(event)
        else:
            now_s = call.deadline_s
            played.expiries += 1
            command = call.expire(now_s)
        if command is not None:
            played.commands.append(command)
            queue = [entry for entry in queue if _still_comes(entry, course, command, now_s)]
            heapq.heapify(queue)
            push(*_answers(course, command, now_s, [entry[2] for entry in queue]))
    return played


def _still_comes(
    entry: tuple[float, int, phone.Event], course: Course, command: Command, now_s: float
) -> bool:
    """What the far end has sent before our request reached it, and what follows from that."""
    if command is Command.DROP:
        return False
    return entry[2].at_s <= now_s + course.crosses_s


def _answers(
    course: Course, command: Command, now_s: float, coming: list[phone.Event]
) -> Iterator[phone.Event]:
    match command:
        case Command.CANCEL:
            yield phone.CancelSent("c", now_s + LEAVES_S)
            decided = any(isinstance(event, phone.Answered | phone.Rejected) for event in coming)
            if not decided and course.cancel_answered_s is not None:
                answered_s = now_s + course.crosses_s + course.cancel_answered_s
                yield phone.Rejected("c", answered_s, 487, "Request Terminated", is_local=False, to_tag="t")
                yield phone.Closed("c", answered_s, None)
        case Command.BYE:
            yield phone.ByeSent("c", now_s + LEAVES_S)
            if course.bye_answered_s is not None:
                yield phone.ByeAnswered("c", now_s + LEAVES_S + course.bye_answered_s)
                yield phone.Closed("c", now_s + LEAVES_S + course.bye_answered_s, None)
        case Command.DROP:
            if course.closes:
                yield phone.Closed("c", now_s, None)
