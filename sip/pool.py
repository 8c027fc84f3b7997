"""A phone made of worker processes: free lines, growth, pacing, and the replacement of workers that died."""

import contextlib
import logging
import math
import os
import selectors
import signal
import time
from pathlib import Path
from typing import Self

from sip import wire
from sip.access import LOOPBACK, Access
from sip.errors import PhoneError
from sip.hunt_group import HuntGroup, Worker
from sip.media import Media
from sip.media_plane import media_plane
from sip.nursery import Nursery
from sip.phone import Closed, Event, Lost, Order, PhoneHealth
from sip.trunk import Trunk
from sip.voice import write_voice
from sip.wav import Wav

READY_WITHIN_S = 30.0
FALSE_STARTS = 3  # workers in a row that died before they were ready
LOOK_EVERY_S = 0.5  # twice as often as a worker gives a sign of life, so that each is seen
FROZEN_LOOKS = 10  # without one: looks, not seconds, so that a tester that was held up itself kills nobody
STUCK_LOOKS = 60  # of a worker that starts, which takes its time where others do too
CLOSE_WITHIN_S = 2.0
_log = logging.getLogger(__name__)


class Pool:
    """Lines into `trunk`, four or so in each worker process; a context manager.

    It starts with lines for `concurrent` calls, keeps a worker's worth of spare ones for each profile of
    `access` as calls come up, and stops growing where there are enough for `max_concurrent` under each. The
    workers log into `log_folder`. It works with and without gevent, since it waits in `selectors` only.
    """

    def __init__(
        self,
        trunk: Trunk,
        *,
        log_folder: Path,
        access: Access | None = None,
        concurrent: int = 1,
        max_concurrent: int | None = None,
        media: Media = Media.PJSUA2,
        voice: Wav | None = None,
    ) -> None:
        self.measures_audio = media is not Media.NONE
        self._voice = log_folder / "voice.wav"
        self._trunk = trunk
        self._access = access or Access.plain(LOOPBACK if trunk.is_loopback else "")
        self._groups = {
            block.profile: HuntGroup(block, most=max_concurrent, dial_gap_s=media.dial_gap_s)
            for block in self._access.blocks
        }
        self._log_folder = log_folder
        self._concurrent = concurrent
        self._selector = selectors.DefaultSelector()
        self._by_call: dict[str, Worker] = {}
        self._events: list[Event] = []
        self._slots = 1  # lines of a worker, until the first one says how many
        self._false_starts = 0
        self._restarts = 0
        self._nursery = Nursery(trunk, self._access, media, log_folder=log_folder, voice=self._voice)
        self._closing = False
        self._look_s = self._grow_s = 0.0
        self._talkative: list[tuple[selectors.SelectorKey, int]] = []  # since the last wait
        self._own_voice = voice
        log = log_folder / "pump.log"
        self._media_plane = media_plane(media, log, self._voice, trunk.digits, self._access)

    def open(self) -> Self:
        """Start the first workers and wait until they take orders; raises PhoneError where they do not."""
        self._log_folder.mkdir(parents=True, exist_ok=True)
        try:
            self._nursery.open()
            write_voice(self._voice, self._own_voice)  # while the zygote imports
            self._media_plane.open(self._selector)
            until_s = time.monotonic() + READY_WITHIN_S
            for group in self._groups.values():
                self._start_worker(group)
            self._await_ready(until_s)
            # Only a worker knows how many calls the library takes in one process.
            each = math.ceil(self._concurrent / len(self._groups) / self._slots)
            for group in [*self._groups.values()] * each:
                self._start_worker(group)
            self._await_ready(until_s)
        except BaseException:
            self.close()
            raise
        return self

    def dial(self, order: Order) -> bool:
        """Hand the order to a free worker of its profile; have another made where few lines are left."""
        group = self._groups[order.profile]
        now_s = time.monotonic()
        if now_s >= self._grow_s and group.is_short(self._slots):
            self._start_worker(group)
        worker = group.take(order.call_id, now_s)
        if worker is None:
            return False
        self._by_call[order.call_id] = worker
        line = worker.calls[order.call_id]
        self._media_plane.dialled(order.call_id, line, recorded=order.recorded)
        self._tell(
            worker,
            wire.DialCommand(
                order.call_id,
                self._trunk.target(order.number),
                f"sip:{order.from_user}@{self._trunk.host}",
                line.number,
                line.ports,
            ),
        )
        return True

    def cancel(self, call_id: str) -> None:
        """Give the attempt up."""
        self._end(call_id, "cancel")

    def bye(self, call_id: str) -> None:
        """Hang up."""
        self._end(call_id, "bye")

    def drop(self, call_id: str) -> None:
        """Forget the call."""
        self._end(call_id, "drop")

    def keep(self, call_id: str, path: Path) -> None:
        """Have the pump write what a recorded call sounded like."""
        self._media_plane.keep(call_id, path)

    def discard(self, call_id: str) -> None:
        """Have the pump forget it."""
        self._media_plane.discard(call_id)

    def events(self) -> list[Event]:
        """What the workers saw since the last look."""
        self._read()
        events, self._events = self._events, []
        return events

    def wait(self, timeout_s: float) -> None:
        """Return when a worker has something to say, at the latest after `timeout_s`."""
        if not self._events:
            self._talkative = self._selector.select(max(0.0, min(timeout_s, 3600.0)))

    def health(self) -> PhoneHealth:
        """CPU of zygote, pump and workers, their loops' largest lateness, restarts, since the last look."""
        pump, pump_lag_s = self._media_plane.health()
        loads, lags = [self._nursery.load(), pump], [pump_lag_s]
        for worker in self._workers():
            load, lag_s = worker.health()
            loads.append(load)
            lags.append(lag_s)
        restarts = self._restarts + self._media_plane.restarts
        known = [lag_s for lag_s in lags if lag_s is not None]
        return PhoneHealth(tuple(filter(None, loads)), max(known, default=None), restarts)

    def close(self) -> None:
        """Hang up what is still up and end every process; may be called again."""
        for worker in self._workers():
            self._tell(worker, wire.CloseCommand())
        until_s = time.monotonic() + CLOSE_WITHIN_S
        closing, self._closing = self._closing, True
        while self._workers() and not closing and (left_s := until_s - time.monotonic()) > 0:
            self.wait(left_s)
            self._read()
        for worker in self._workers():
            self._forget(worker)
        self._media_plane.close()
        self._nursery.close()
        self._selector.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _workers(self) -> list[Worker]:
        return [worker for group in self._groups.values() for worker in group.workers.values()]

    def _start_worker(self, group: HuntGroup) -> None:
        """Have a worker made for the group, unless it has all the lines that it may have."""
        place = group.free_place(self._slots)
        if place is None:
            return
        worker = self._nursery.make(group, place, slots=self._slots)
        group.add(worker)
        self._selector.register(worker.connection, selectors.EVENT_READ, worker)

    def _await_ready(self, until_s: float) -> None:
        while any(worker.pid is None or len(worker.free) < worker.slots for worker in self._workers()):
            if time.monotonic() > until_s:
                raise PhoneError(
                    f"The caller's phones were not ready within {READY_WITHIN_S:g} s: see {self._log_folder}."
                )
            self.wait(0.5)
            self._read()

    def _end(self, call_id: str, how: str) -> None:
        worker = self._by_call.get(call_id)
        if worker is not None:
            self._tell(worker, wire.EndCommand(call_id, how))

    def _tell(self, worker: Worker, command: wire.Message) -> None:
        try:
            worker.connection.send(wire.encode([command]))
            if worker.pid is not None:
                self._nursery.wake(worker)
        except OSError as error:
            # It is gone, or has not read for so long that its socket is full: its end comes as end of file.
            _log.warning("%s takes no orders (%s)", worker.name, error)

    def _read(self) -> None:
        talkative, self._talkative = self._talkative or self._selector.select(0), []
        for key, _ in talkative:
            if key.data is self._media_plane:
                self._events += self._media_plane.read()
                continue
            worker: Worker = key.data
            messages = wire.receive(worker.connection)
            for message in messages or ():
                self._take(worker, message)
            if messages is None:
                self._bury(worker)
        now_s = time.monotonic()
        if now_s >= self._look_s and not self._closing:
            self._look_s = now_s + LOOK_EVERY_S
            self._look_for_signs_of_life()

    def _look_for_signs_of_life(self) -> None:
        """Workers that froze are killed, and so replaced; where none starts, the zygote is."""
        stuck = []
        for worker in self._workers():
            worker.shows(self._nursery.sign(worker))
            if worker.pid is not None and worker.silent_looks > FROZEN_LOOKS:
                worker.end = "froze"
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
            elif worker.pid is None and worker.silent_looks > STUCK_LOOKS:
                stuck.append(worker)
        self._media_plane.look()
        if stuck:
            self._nursery.open()
            for worker in stuck:
                worker.end = "did not start"
                self._bury(worker)

    def _take(self, worker: Worker, message: wire.Message) -> None:
        match message:
            case wire.Ready():
                worker.group.be_ready(worker, pid=message.pid, port=message.port, slots=message.slots)
                for number in range(message.slots):
                    self._media_plane.furnish(worker, number)
                self._slots = max(self._slots, message.slots)
                self._false_starts = 0
            case wire.WorkerSpec() | wire.DialCommand() | wire.EndCommand() | wire.CloseCommand():
                raise PhoneError(f"{worker.name} sent an order, which only the pool may do.")
            case wire.MediaAgreed():
                self._media_plane.agreed(message.call_id, message.far)
            case event:
                if isinstance(event, Closed | Lost) and self._by_call.pop(event.call_id, None) is worker:
                    self._media_plane.furnish(worker, worker.group.end(worker, event.call_id).number)
                self._events += self._media_plane.took(event)

    def _bury(self, worker: Worker) -> None:
        """A worker died: its calls are lost, and only those; another takes its place."""
        self._forget(worker)
        now_s = time.monotonic()
        for call_id in worker.calls:
            del self._by_call[call_id]
            self._events.append(Lost(call_id, now_s, f"worker {worker.end}: see {worker.log.name}"))
        if self._closing:
            return
        lost = len(worker.calls)
        _log.warning("%s %s with %d calls and is replaced: see %s", worker.name, worker.end, lost, worker.log)
        self._restarts += 1
        if worker.pid is None:
            self._false_starts += 1
            if any(each.pid is not None for each in self._workers()):
                self._grow_s = now_s + LOOK_EVERY_S  # calls go on; room for more of them may come
                return
            if self._false_starts >= FALSE_STARTS:
                raise PhoneError(f"The caller's phones end before they are ready: see {self._log_folder}.")
        self._start_worker(worker.group)

    def _forget(self, worker: Worker) -> None:
        self._selector.unregister(worker.connection)
        worker.connection.close()
        self._media_plane.gone(worker)
        worker.group.remove(worker)
