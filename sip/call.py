"""One call's life as a pure state machine: events and passing time in, commands and one record out."""

import math
from dataclasses import replace

from sip.heard import Heard, RtpStats
from sip.outcome import Outcome, from_status
from sip.phase import Command, GaveUp, Limits, Phase
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
    MediaLost,
    Rejected,
    Response,
    Ringing,
    Trying,
)
from sip.plan import Dial
from sip.record import CallRecord, Epoch

_WAITING = (Phase.ORDERED, Phase.CALLING, Phase.RINGING)


class Call:
    """One attempt: give it each event, and call `expire` at `deadline_s` (all times CLOCK_MONOTONIC seconds).

    Whatever comes in whatever order, however often, `expire` alone ends it after at most four deadlines. The
    stamps of the events decide its outcome, not the moments at which they are read: what a caller no longer
    waited for has come too late, even where nobody had looked at the clock meanwhile.
    """

    def __init__(
        self,
        dial: Dial,
        *,
        call_id: str,
        number: str,
        due_s: float,
        ordered_s: float,
        limits: Limits,
    ) -> None:
        self.dial = dial
        self.call_id = call_id
        self.phase = Phase.ORDERED
        self.deadline_s = ordered_s + limits.invite_s
        self._number = number
        self._limits = limits
        self._due_s = due_s
        self._moments: dict[str, float] = {}
        self._final: Answered | Rejected | None = None
        self._gave_up: GaveUp | None = None
        self._gave_up_s: float | None = None
        self._sip_call_id: str | None = None
        self._ended_by: str | None = None
        self._responses_s: list[float] = []
        self._rtp: RtpStats | None = None
        self._heard: Heard | None = None
        self._error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether its record is final."""
        return self.phase is Phase.ENDED

    def moment(self, name: str) -> float | None:
        """When `invite`, `ringing`, `answered` or another of the record's times was, if it has been."""
        return self._moments.get(name)

    def handle(self, event: Event) -> Command | None:
        """Take what the phone saw; the answer is what the phone shall do now."""
        if self.ended:
            return None
        overdue = self.expire(event.at_s) if self.phase in _WAITING else None
        command = self._take(event)
        if overdue is not None and self._final is None and not self.ended:
            return overdue
        return command

    def expire(self, now_s: float) -> Command | None:
        """Time passed; does nothing before `deadline_s`."""
        if self.ended or now_s < self.deadline_s:
            return None
        match self.phase:
            case Phase.ORDERED:
                self._error = f"no INVITE left within {self._limits.invite_s:g} s of the order"
                return self._drop(now_s)
            case Phase.CALLING:
                return self._give_up(GaveUp.SETUP_TIMEOUT, self.deadline_s, now_s)
            case Phase.RINGING:
                return self._give_up(GaveUp.RING_TIMEOUT, self.deadline_s, now_s)
            case Phase.UP:
                return self._hang_up("caller", now_s)
            case Phase.CANCELLING | Phase.HANGING_UP:
                return self._drop(now_s)
            case _:
                self._end(now_s)
                return None

    def abort(self, now_s: float) -> Command | None:
        """The run is being cut: give up or hang up now."""
        if self.phase in _WAITING:
            return self._give_up(GaveUp.ABORTED, now_s, now_s)
        if self.phase is Phase.UP:
            return self._hang_up("tester", now_s)
        return None

    def record(self, *, epoch: Epoch, worker: str, measures_audio: bool) -> CallRecord:
        """The record of an ended call, its times counted from `epoch`."""
        outcome, error = self._outcome()

        def since(name: str) -> float | None:
            moment = self._moments.get(name)
            return None if moment is None else moment - epoch.monotonic

        final = self._final
        audible = "first_audio" in self._moments
        return CallRecord(
            call_id=self.call_id,
            arm=self.dial.arm,
            block=self.dial.block,
            warm_up=self.dial.warm_up,
            number=self._number,
            profile=self.dial.profile,
            due_s=self._due_s - epoch.monotonic,
            invite_s=since("invite"),
            trying_s=since("trying"),
            ringing_s=since("ringing"),
            answered_s=since("answered"),
            first_packet_s=since("first_packet"),
            first_audio_s=since("first_audio"),
            response_s=tuple(self._responses_s),
            cancel_s=since("cancel"),
            bye_s=since("bye"),
            bye_answered_s=since("bye_answered"),
            ended_s=since("ended"),
            due_unix=epoch.unix + (self._due_s - epoch.monotonic),
            outcome=outcome,
            silent=(not audible) if outcome is Outcome.ANSWERED and measures_audio else None,
            sip_status=final.status if final else None,
            sip_reason=final.reason if final else None,
            status_is_local=final.is_local if isinstance(final, Rejected) else False,
            sip_call_id=self._sip_call_id,
            to_tag=final.to_tag if final else None,
            ended_by=self._ended_by,
            rtp=self._rtp,
            heard=None if self._heard is None else _since(epoch, self._heard),
            recording=None,
            worker=worker,
            error=error,
        )

    def _take(self, event: Event) -> Command | None:  # noqa: C901 - one branch an event
        if (name := _STAMPED.get(type(event))) is not None:
            self._stamp(name, event.at_s)
        match event:
            case InviteSent(at_s=at_s, sip_call_id=sip_call_id):
                self._sip_call_id = self._sip_call_id or sip_call_id
                self._advance(Phase.CALLING, at_s + self._limits.setup_timeout_s)
            case Ringing(at_s=at_s):
                self._advance(Phase.RINGING, at_s + self._limits.ring_timeout_s)
            case Answered():
                return self._answer(event)
            case Rejected():
                self._reject(event)
            case ByeSent(at_s=at_s):  # unasked, where the answer left nothing to talk on
                self._ended_by = self._ended_by or "caller"
                self._advance(Phase.HANGING_UP, at_s + self._limits.bye_answer_s)
            case ByeAnswered(at_s=at_s):
                self._advance(Phase.CLOSING, at_s + self._limits.close_s)
            case FarEndBye(at_s=at_s):
                self._ended_by = self._ended_by or "callee"
                self._advance(Phase.CLOSING, at_s + self._limits.close_s)
            case Response(latency_s=latency_s):
                self._responses_s.append(latency_s)
            case Closed(at_s=at_s, rtp=rtp, heard=heard):
                self._rtp, self._heard = rtp, heard
                self._end(at_s)
            case MediaLost(at_s=at_s, error=error):
                return self._lose_media(at_s, error)
            case Lost(at_s=at_s, error=error):
                self._lose(at_s, error)
        return None

    def _answer(self, event: Answered) -> Command | None:
        if self._final is not None:
            return None
        self._final = event
        self._stamp("answered", event.at_s)
        if self.phase is Phase.CANCELLING:  # it crossed our CANCEL: RFC 3261 section 9.1 leaves the call up
            self._advance(Phase.HANGING_UP, event.at_s + self._limits.bye_answer_s)
            return Command.BYE
        self._advance(Phase.UP, event.at_s + self._limits.hold_s)
        return None

    def _reject(self, event: Rejected) -> None:
        if self._final is None:
            self._final = event
            self._ended_by = self._ended_by or "callee"
            self._advance(Phase.CLOSING, event.at_s + self._limits.close_s)

    def _give_up(self, why: GaveUp, limit_s: float, now_s: float) -> Command:
        self._gave_up, self._gave_up_s = why, limit_s
        self._ended_by = "tester" if why is GaveUp.ABORTED else "caller"
        self._advance(Phase.CANCELLING, now_s + self._limits.final_after_cancel_s)
        return Command.CANCEL

    def _hang_up(self, by: str, now_s: float) -> Command:
        self._ended_by = by
        self._advance(Phase.HANGING_UP, now_s + self._limits.bye_answer_s)
        return Command.BYE

    def _drop(self, now_s: float) -> Command:
        self._ended_by = self._ended_by or "tester"
        self._advance(Phase.CLOSING, now_s + self._limits.close_s)
        return Command.DROP

    def _lose_media(self, at_s: float, error: str) -> Command | None:
        """What was to be measured cannot be any more: the call is ended properly, and counts for us."""
        if self._gave_up is not None or isinstance(self._final, Rejected):  # it has no media to lose
            return None
        self._error = self._error or error
        return self.abort(at_s)

    def _lose(self, at_s: float, error: str) -> None:
        if self.phase is not Phase.CLOSING:  # else its end was seen: the phone's death changes nothing
            self._error = error
            self._ended_by = "tester"
        self._end(at_s)

    def _end(self, at_s: float) -> None:
        self._stamp("ended", at_s)
        self._advance(Phase.ENDED, at_s)

    def _stamp(self, name: str, at_s: float) -> None:
        """Keep the first time at which something happened."""
        self._moments.setdefault(name, at_s)

    def _advance(self, phase: Phase, deadline_s: float) -> None:
        if _ORDER[phase] > _ORDER[self.phase]:
            self.phase, self.deadline_s = phase, deadline_s

    def _in_time(self, at_s: float) -> bool:
        """Whether the caller still waited then."""
        return self._gave_up_s is None or at_s < self._gave_up_s

    def _outcome(self) -> tuple[Outcome, str | None]:
        """The outcome, and for `tester_failed` what the tester failed at."""
        final = self._final
        if self._error is not None:
            return Outcome.TESTER_FAILED, self._error
        if final is not None and self._in_time(final.at_s):
            if isinstance(final, Answered):
                return Outcome.ANSWERED, None
            rang = "ringing" in self._moments
            return from_status(final.status, final.reason, is_local=final.is_local, rang=rang), None
        match self._gave_up:
            case None if self._ended_by == "callee":  # its BYE while it rang
                return Outcome.AGENT_FAILED, None
            case GaveUp.RING_TIMEOUT:
                return Outcome.UNANSWERED, None
            case GaveUp.SETUP_TIMEOUT if self._in_time(self._moments.get("ringing", math.inf)):
                return Outcome.TESTER_FAILED, "it rang in time, but was cancelled before that was heard of"
            case GaveUp.SETUP_TIMEOUT:
                return Outcome.NO_RESPONSE, None
            case GaveUp.ABORTED:
                return Outcome.TESTER_FAILED, "the run was cut before this call was answered"
            case None:
                return Outcome.TESTER_FAILED, "the phone let the call go without saying how it ended"


def _since(epoch: Epoch, heard: Heard) -> Heard:
    """The same, its moment counted from `epoch`."""
    last_s = heard.last_audible_s
    return heard if last_s is None else replace(heard, last_audible_s=last_s - epoch.monotonic)


_STAMPED: dict[type[Event], str] = {
    InviteSent: "invite",
    Trying: "trying",
    Ringing: "ringing",
    FirstPacket: "first_packet",
    FirstAudio: "first_audio",
    CancelSent: "cancel",
    ByeSent: "bye",
    ByeAnswered: "bye_answered",
}
_ORDER = {phase: place for place, phase in enumerate(Phase)}
