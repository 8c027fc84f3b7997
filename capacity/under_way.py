"""The stretch whose calls are up: what has been seen of each of them by now."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from capacity.criterion import Sight
from capacity.judging import Judging
from capacity.step import call_number
from capacity.stretch import Stretch
from sip.campaign import Campaign
from sip.outcome import Outcome
from sip.plan import Dial
from sip.record import CallRecord


@dataclass(slots=True)
class UnderWay:
    """A stretch, its calls, and what its criteria have made of them.

    `placed` is the number after the last call that was placed, `tell_s` when to say next how it goes.
    """

    number: int
    stretch: Stretch
    dials: Sequence[Dial]
    judging: Judging
    began_s: float
    began_unix: float
    tell_s: float
    placed: int
    records: dict[int, CallRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for dial in self.dials:
            if not dial.warm_up:
                self.judging.add(dial.index)

    def keep(self, record: CallRecord) -> None:
        """A call has ended."""
        number = call_number(record.call_id)
        self.placed = max(self.placed, number + 1)
        if record.warm_up:
            return
        self.records[number] = record
        if record.outcome is Outcome.TESTER_FAILED:
            self.judging.leave_out(number)

    def look(self, campaign: Campaign, now_s: float) -> None:
        """Judge all that is known by now."""
        self.judging.look(lambda number: self._sight(campaign, number, now_s))

    def _sight(self, campaign: Campaign, number: int, now_s: float) -> Sight | None:
        """What is known of a call; None of one that is still to be placed."""
        if (record := self.records.get(number)) is not None:
            return sight_of(record)
        call = campaign.call(campaign.call_id(number))
        if call is None:
            return None
        invited_s, rang_s, answered_s = (call.moment(name) for name in ("invite", "ringing", "answered"))
        since_s = answered_s if rang_s is None else rang_s
        delay_s = None if invited_s is None or since_s is None else since_s - invited_s
        ring_s = 0.0 if rang_s is None else (now_s if answered_s is None else answered_s) - rang_s
        return Sight(answered_s is not None, over=False, ring_s=ring_s, post_dial_delay_s=delay_s)


def sight_of(record: CallRecord) -> Sight:
    """All that there is to know of a call."""
    since_s = record.answered_s if record.ringing_s is None else record.ringing_s
    delay_s = None if record.invite_s is None or since_s is None else since_s - record.invite_s
    answered = record.outcome is Outcome.ANSWERED
    return Sight(answered, over=True, ring_s=record.ring_s, post_dial_delay_s=delay_s)
