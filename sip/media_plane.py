"""The media side of a pool's calls: which ear of the pump each line has, and what was heard on its calls.

The SIP stack signals, the pump carries the voice (RFC 3264's two planes): each line has an ear of the pump
at its address before it is dialled on, since the INVITE announces it, and another one for its next call.
"""

import itertools
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, BaseSelector

import msgspec

from sip import phone, pump_words
from sip.access import Access
from sip.hunt_group import Line, Worker
from sip.media import Media, Pump
from sip.phone import ProcessLoad
from sip.sdp import FarMedia

PUMP_DIED = "the RTP pump died: see pump.log"
_SILENCED = (phone.ByeSent, phone.FarEndBye, phone.Rejected, phone.Closed, phone.Lost)
FROZEN_LOOKS = 10  # without a pulse, which comes each second
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Talk:
    """A call on an ear; `ended` is what the worker said last of it, held back until the pump has reported."""

    call_id: str
    line: Line
    far: FarMedia | None = None
    answered_s: float | None = None
    keyed_in: bool = False
    stopped: bool = False
    report: pump_words.Report | None = None
    ended: phone.Closed | None = None


class StackPlane:
    """The SIP stack carries the voice itself, or nobody does: lines need nothing and events are whole."""

    restarts = 0

    def open(self, selector: BaseSelector) -> None:
        """Nothing to start."""

    def health(self) -> tuple[ProcessLoad | None, float | None]:
        """No process, no loop."""
        return None, None

    def close(self) -> None:
        """Nothing to end."""

    def look(self) -> None:
        """Nothing to try again."""

    def furnish(self, worker: Worker, number: int) -> None:
        """The line is ready as it is."""
        worker.group.give(worker, Line(number))

    def gone(self, worker: Worker) -> None:
        """It takes what it had with it."""

    def dialled(self, call_id: str, line: Line, *, recorded: bool = False) -> None:
        """A call is made on the line; it cannot be recorded."""

    def keep(self, call_id: str, path: Path) -> None:
        """There is nothing to keep."""

    def discard(self, call_id: str) -> None:
        """There is nothing to forget."""

    def agreed(self, call_id: str, far: FarMedia) -> None:
        """Nobody asked."""

    def took(self, event: phone.Event) -> Iterable[phone.Event]:
        """What a worker says is all that there is."""
        return (event,)

    def read(self) -> Iterable[phone.Event]:
        """Nothing comes."""
        return ()


class PumpPlane:
    """A pump, started anew where it dies, and its ears: a line is given to its group when it has one."""

    def __init__(self, log: Path, voice: Path, digits: str, access: Access) -> None:
        self.restarts = 0
        self._lag_s: float | None = None
        self._silent_looks = 0
        self._selector: BaseSelector | None = None
        self._pump = Pump(log=log, voice=voice, namespace=access.namespace)
        self._log = log
        self._ports = access.ports
        self._digits = digits
        self._numbers = itertools.count()
        self._workers: set[Worker] = set()
        self._opening: dict[int, tuple[Worker, int]] = {}
        self._refused: list[tuple[Worker, int]] = []
        self._talks: dict[str, _Talk] = {}
        self._by_ear: dict[int, _Talk] = {}
        self._recorded: dict[str, int] = {}  # the ears of calls that are still to be judged

    def open(self, selector: BaseSelector) -> None:
        """Start the pump, which the selector watches from now on; raises PhoneError where it does not."""
        self._selector = selector
        self._pump.open()
        selector.register(self._pump, EVENT_READ, self)

    def health(self) -> tuple[ProcessLoad | None, float | None]:
        """The pump's CPU share, and its loop's largest lateness in seconds, since the last look."""
        lag_s, self._lag_s = self._lag_s, None
        return self._pump.load(), lag_s

    def close(self) -> None:
        """End the pump."""
        self._pump.close()

    def furnish(self, worker: Worker, number: int) -> None:
        """Have an ear opened for the line of that number of a worker."""
        ear = next(self._numbers)
        self._workers.add(worker)
        self._opening[ear] = worker, number
        address = worker.addresses[number if len(worker.addresses) > 1 else 0]
        self._pump.open_ear(ear, address.bound, self._ports.rtp, self._ports.rtp_count)

    def look(self) -> None:
        """Try again what was refused, and end a pump that froze; meant to be called twice a second."""
        self._silent_looks += 1
        if self._silent_looks > FROZEN_LOOKS:
            self._pump.kill()
        refused, self._refused = self._refused, []
        for worker, number in refused:
            self.furnish(worker, number)

    def gone(self, worker: Worker) -> None:
        """A worker is gone: nobody calls on its lines any more."""
        self._workers.discard(worker)
        self._refused = [place for place in self._refused if place[0] is not worker]
        opening = [ear for ear, place in self._opening.items() if place[0] is worker]
        for ear in opening:
            del self._opening[ear]
        for ear in (*opening, *(line.ear for line in (*worker.free, *worker.calls.values()))):
            self._pump.stop(ear)
        for call_id in worker.calls:
            if (talk := self._talks.get(call_id)) is not None:
                self._forget(talk)

    def dialled(self, call_id: str, line: Line, *, recorded: bool = False) -> None:
        """A call is made on the line, and remembered where it is `recorded`."""
        if recorded:
            self._recorded[call_id] = line.ear
            self._pump.record(line.ear)
        self._by_ear[line.ear] = self._talks[call_id] = _Talk(call_id, line)

    def keep(self, call_id: str, path: Path) -> None:
        """Write what a recorded call sounded like."""
        if (ear := self._recorded.pop(call_id, None)) is not None:
            self._pump.keep(ear, path)

    def discard(self, call_id: str) -> None:
        """Forget it."""
        if (ear := self._recorded.pop(call_id, None)) is not None:
            self._pump.discard(ear)

    def agreed(self, call_id: str, far: FarMedia) -> None:
        """The far end has said where it is."""
        if (talk := self._talks.get(call_id)) is not None:
            talk.far = far
            self._start(talk)

    def took(self, event: phone.Event) -> Iterator[phone.Event]:
        """What is to be said of a worker's event now."""
        talk = self._talks.get(event.call_id)
        if talk is None:
            yield event
            return
        if isinstance(event, phone.Answered):
            talk.answered_s = event.at_s
            self._start(talk)
        elif isinstance(event, _SILENCED) and not talk.stopped:
            talk.stopped = True
            self._pump.stop(talk.line.ear)
        if not isinstance(event, phone.Closed):
            yield event
        else:
            talk.ended = event
            yield from self._complete(talk)
        if isinstance(event, phone.Lost):
            self._forget(talk)

    def read(self) -> Iterator[phone.Event]:
        """What the pump has heard since the last look; where it died, the end of what it carried."""
        messages = self._pump.messages()
        self._silent_looks = 0
        for message in messages or ():
            match message:
                case pump_words.Opened():
                    self._opened(message)
                case pump_words.Refused():
                    self._refuse(message)
                case pump_words.Pulse(lag_s=lag_s):
                    self._lag_s = max(self._lag_s or 0.0, lag_s)
                case heard:
                    yield from self._heard(heard)
        if messages is None:
            yield from self._died()

    def _start(self, talk: _Talk) -> None:
        far = talk.far
        if far is None or talk.stopped:
            return
        self._pump.start(talk.line.ear, far, answered_s=talk.answered_s)
        if self._digits and talk.answered_s is not None and not talk.keyed_in:
            talk.keyed_in = True
            if far.digits_payload_type is None:
                _log.warning("call %s: no digit was sent, the answer takes none", talk.call_id)
            else:
                self._pump.digits(talk.line.ear, self._digits)

    def _complete(self, talk: _Talk) -> Iterator[phone.Event]:
        """Once both the worker and the pump have said their last of it."""
        if talk.ended is not None and talk.report is not None:
            self._forget(talk)
            yield msgspec.structs.replace(talk.ended, rtp=talk.report.rtp, heard=talk.report.heard)

    def _forget(self, talk: _Talk) -> None:
        self._talks.pop(talk.call_id, None)
        self._by_ear.pop(talk.line.ear, None)

    def _opened(self, opened: pump_words.Opened) -> None:
        if (place := self._opening.pop(opened.ear, None)) is None:
            return
        worker, number = place
        worker.group.give(worker, Line(number, opened.ear, (opened.port, opened.rtcp_port)))

    def _refuse(self, refused: pump_words.Refused) -> None:
        """A line without an ear takes no calls; it is tried again with the next look."""
        if (place := self._opening.pop(refused.ear, None)) is not None:
            self._refused.append(place)
            worker, number = place
            _log.warning("line %d of %s has no RTP port: %s", number, worker.name, refused.why)

    def _heard(self, message: pump_words.Hearing) -> Iterator[phone.Event]:
        if (talk := self._by_ear.get(message.ear)) is None:
            return
        match message:
            case pump_words.FirstPacket(at_s=at_s):
                yield phone.FirstPacket(talk.call_id, at_s)
            case pump_words.FirstAudio(at_s=at_s):
                yield phone.FirstAudio(talk.call_id, at_s)
            case pump_words.Response(at_s=at_s, latency_s=latency_s):
                yield phone.Response(talk.call_id, at_s, latency_s)
            case pump_words.Report():
                talk.report = message
                yield from self._complete(talk)

    def _died(self) -> Iterator[phone.Event]:
        """What it carried is lost, and only that: each line has an ear of the next one."""
        _log.warning("the RTP pump died with %d calls and is replaced: see %s", len(self._talks), self._log)
        self.restarts += 1
        now_s = time.monotonic()
        for talk in self._talks.values():
            yield phone.MediaLost(talk.call_id, now_s, PUMP_DIED)
            if talk.ended is not None:
                yield talk.ended
        self._talks.clear()
        self._by_ear.clear()
        places = [*self._opening.values(), *self._refused]
        self._opening.clear()
        self._refused.clear()
        for worker in self._workers:
            places += [(worker, line.number) for line in worker.group.withdraw(worker)]
        assert self._selector is not None  # noqa: S101 - for the type checker: what died was open
        self._selector.unregister(self._pump)
        self.open(self._selector)
        for worker, number in places:
            self.furnish(worker, number)


MediaPlane = StackPlane | PumpPlane


def media_plane(media: Media, log: Path, voice: Path, digits: str, access: Access) -> MediaPlane:
    """What carries the voice of calls."""
    return PumpPlane(log, voice, digits, access) if media is Media.PUMP else StackPlane()
