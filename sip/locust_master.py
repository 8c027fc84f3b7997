"""Locust's workers as the load of a run, seen from the master: each has a share, its records come here."""

import json
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sip.call import never_dialled
from sip.copies import Copy, Piece
from sip.course import GoOn, Prepared
from sip.description import Target
from sip.errors import PhoneError, UsageError
from sip.plan import Plan
from sip.record import CallsFile, Epoch, RunFolder
from sip.share import Share, shares

LEAD_S = 1.0  # for the word to reach every worker
READY_WITHIN_S = 90.0
TELL_AGAIN_S = 2.0
LOST_AFTER_S = 10.0  # a worker whose machine merely stalled comes back
CLOSED_WITHIN_S = 15.0
CLOCK_SAMPLES = 10
_LOOK_EVERY_S = 0.1
_FILES = ("calls", "health")
_MASTER = "master"
_log = logging.getLogger(__name__)


class Channel(Protocol):
    """Locust's messages between the master and its workers."""

    def members(self) -> Sequence[str]:
        """The ids of the workers that are there."""

    def send(self, message: Mapping[str, Any], member: str) -> None:
        """Say something to one of them."""


@dataclass(slots=True)
class _Member:
    """What the master knows of one worker."""

    id: str
    share: Share
    samples: list[tuple[float, float]] = field(default_factory=list)  # round trip and offset, s
    is_set_up: bool = False
    refusal: str | None = None
    copies: dict[str, Copy] = field(default_factory=dict)
    done: Mapping[str, Any] | None = None
    gone_s: float | None = None
    lost: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether it can begin, and when is known by its clock."""
        return self.is_set_up and len(self.samples) >= CLOCK_SAMPLES

    @property
    def is_whole(self) -> bool:
        """Whether all that it wrote is here."""
        sizes: Mapping[str, int] = self.done["sizes"] if self.done else {}
        return self.done is not None and all(
            self.copies[name].size >= size for name, size in sizes.items() if name in self.copies
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come from it."""
        return self.lost or self.is_whole


class Master:
    """The workers that were there when the run began (see `sip.load.Load`)."""

    def __init__(self, prepared: Prepared, plan: Plan, given: Mapping[str, Any], channel: Channel) -> None:
        """A run whose options came as `given`."""
        self._prepared = prepared
        self._plan = plan
        self._given = given
        self._channel = channel
        self._ids = list(channel.members())
        self._members: dict[str, _Member] = {}
        self._folder: RunFolder | None = None
        self._start_s = math.inf
        self._stopped_s = math.inf
        self._looked_s = 0.0
        self._closed = False
        self._lost_dials = 0
        self.stop_reason: str | None = None

    @property
    def over(self) -> bool:
        """Whether every worker has come to its end, or is lost."""
        return all(member.is_over for member in self._members.values())

    @property
    def dropped_dials(self) -> int:
        """What the workers dropped, and the calls of lost ones that left no record."""
        done = [member.done for member in self._members.values() if member.done]
        return self._lost_dials + sum(int(each["dropped_dials"]) for each in done)

    def workers(self, folder: RunFolder) -> list[str]:
        """One for each."""
        return [str(index) for index in range(len(self._ids))]

    def prepare(self, folder: RunFolder, *, go_on: GoOn) -> None:
        """Check that there is something for each of them; raises UsageError."""
        most = self._prepared.options.max_concurrent
        if most is not None and most < len(self._ids):
            raise UsageError("--max-concurrent", most, f"there are {len(self._ids)} workers to share it")

    def describe(self) -> Mapping[str, Any]:
        """Nothing of its own."""
        return {}

    def open(self, folder: RunFolder, target: Target, *, go_on: GoOn) -> None:
        """Give each worker its share and wait until all are ready, their clocks compared.

        Raises:
            PhoneError: One cannot take its share, or is gone.
        """
        self._folder = folder
        if not self._ids:
            raise PhoneError("No worker is there to place the calls: start some with --worker.")
        parts = shares(self._prepared, self._given, folder, target, of=len(self._ids))
        self._members = {each: _Member(each, part) for each, part in zip(self._ids, parts, strict=True)}
        told_s = -math.inf
        until_s = time.monotonic() + READY_WITHIN_S
        while go_on() and (waited_for := [each for each in self._members.values() if not each.is_ready]):
            if time.monotonic() >= told_s + TELL_AGAIN_S:
                told_s = time.monotonic()
                self._tell_shares(waited_for)
            for member in self._members.values():
                if member.refusal is not None:
                    raise PhoneError(f"Worker {member.share.worker} ({member.id}): {member.refusal}")
                if member.id not in self._channel.members():
                    raise PhoneError(f"Worker {member.share.worker} ({member.id}) went away before it began.")
            if time.monotonic() > until_s:
                names = ", ".join(f"{member.share.worker} ({member.id})" for member in waited_for)
                raise PhoneError(f"Not ready within {READY_WITHIN_S:g} s: worker {names}.")
            time.sleep(_LOOK_EVERY_S)

    def _tell_shares(self, members: Sequence[_Member]) -> None:
        """A worker that has only just come may not have heard it."""
        for member in members:
            if not member.samples:
                self._say(member, "share", share=member.share.message())
                self._ask_clock(member)

    def begin(self) -> None:
        """Tell all when time zero of the plan is, by each one's own clock."""
        _log.info("Placing %d calls by %d workers", self._plan.total, len(self._members))
        self._start_s, start_unix = time.monotonic() + LEAD_S, time.time() + LEAD_S
        for member in self._members.values():
            round_trip_s, offset_s = min(member.samples)
            self._say(
                member,
                "begin",
                start_unix=start_unix + offset_s,
                offset_s=offset_s,
                offset_error_s=round_trip_s / 2,
            )

    def receive(self, sender: str, message: Mapping[str, Any]) -> None:
        """Take what a worker says; of others nothing is taken."""
        member = self._members.get(sender)
        if member is None or self._closed:
            return
        match message["kind"]:
            case "clock":
                now_unix = time.time()
                asked_unix = message["asked_unix"]
                middle_unix = (asked_unix + now_unix) / 2
                member.samples.append((now_unix - asked_unix, message["unix"] - middle_unix))
                if len(member.samples) < CLOCK_SAMPLES:
                    self._ask_clock(member)
            case "ready":
                if message["sends"]:
                    self._open_copies(member)
                member.is_set_up = True
            case "refused":
                member.refusal = message["sentence"]
                if math.isfinite(self._start_s):
                    self._lose(member)
            case "piece":
                self._take(member, Piece.of(message["piece"]))
            case "done":
                member.done = message
                _log.info("Worker %s has come to its end", member.share.worker)
                if message["stop_reason"] is not None:
                    self.stop(message["stop_reason"])

    def step(self, now_s: float) -> float:
        """See who is lost, and ask for what has not come."""
        if now_s < self._looked_s + 1.0:
            return self._looked_s + 1.0
        self._looked_s = now_s
        there = set(self._channel.members())
        for member in self._members.values():
            if member.id in there:
                member.gone_s = None
                if member.done is not None and not member.is_whole:
                    for name, copy in member.copies.items():
                        self._say(member, "again", name=name, offset=copy.size)
            elif member.gone_s is None:
                member.gone_s = now_s
            elif not member.is_over and now_s - member.gone_s >= LOST_AFTER_S:
                self._lose(member)
        return now_s + 1.0

    def late(self, by_s: float) -> None:
        """The workers tell their own lateness."""

    def wait(self, timeout_s: float) -> None:
        """The messages come by themselves."""
        time.sleep(min(timeout_s, _LOOK_EVERY_S))

    def stop(self, reason: str) -> None:
        """Have all make no new calls."""
        self._halt("stop", reason)

    def cut(self, now_s: float, reason: str) -> None:
        """Have all end their calls now."""
        self._halt("cut", reason)

    def close(self) -> None:
        """Account for what lost workers did not do; one that is still at work is cut."""
        if self._closed:
            return
        if not self.over:
            self._say_all("cut", "the run is over")
        until_s = time.monotonic() + CLOSED_WITHIN_S
        while math.isfinite(self._start_s) and not self.over and time.monotonic() < until_s:
            self.step(time.monotonic())
            time.sleep(_LOOK_EVERY_S)
        self._closed = True
        for member in self._members.values():
            for copy in member.copies.values():
                copy.close()
        if math.isfinite(self._start_s):
            self._write_lost()

    def _lose(self, member: _Member) -> None:
        member.lost = True
        _log.warning(
            "Worker %s (%s) is lost%s: its calls without a record count as dropped",
            member.share.worker,
            member.id,
            f" ({member.refusal})" if member.refusal else "",
        )

    def _halt(self, kind: str, reason: str) -> None:
        self.stop_reason = self.stop_reason or reason
        self._stopped_s = min(self._stopped_s, time.monotonic())
        self._say_all(kind, reason)

    def _say_all(self, kind: str, reason: str) -> None:
        for member in self._members.values():
            if member.done is None:
                self._say(member, kind, reason=reason)

    def _say(self, member: _Member, kind: str, **what: Any) -> None:
        self._channel.send({"kind": kind, **what}, member.id)

    def _ask_clock(self, member: _Member) -> None:
        self._say(member, "clock", asked_unix=time.time())

    def _open_copies(self, member: _Member) -> None:
        assert self._folder is not None  # noqa: S101 - shares go out after it was made
        names = [f"{kind}-{member.share.worker}.jsonl" for kind in _FILES]
        member.copies = {name: Copy(self._folder.path / name) for name in names}

    def _take(self, member: _Member, piece: Piece) -> None:
        copy = member.copies.get(piece.name)
        if copy is None:
            return
        try:
            if not copy.take(piece):
                self._say(member, "again", name=piece.name, offset=copy.size)
        except OSError as error:
            _log.error("%s cannot be written: %s", copy.path, error)

    def _write_lost(self) -> None:
        """A record for each call that was due and has none: the tester's shortfall, kept and counted."""
        folder = self._folder
        assert folder is not None  # noqa: S101 - it began
        lost = [member for member in self._members.values() if not member.is_whole]
        if not lost:
            return
        with CallsFile(folder.path, _MASTER, Epoch.now()) as file:
            for member in lost:
                told = _call_ids(folder.path / f"calls-{member.share.worker}.jsonl")
                error = f"dropped: lost with worker {member.share.worker} ({member.id})"
                for dial in self._plan.dials(member.share.index, member.share.of):
                    due_s = self._start_s + dial.due_s
                    call_id = f"{folder.run_id}-{dial.index}"
                    if due_s >= self._stopped_s or call_id in told:
                        continue
                    self._lost_dials += 1
                    file.add(
                        never_dialled(
                            dial,
                            call_id=call_id,
                            number=member.share.numbers[dial.arm],
                            due_s=due_s,
                            epoch=file.epoch,
                            worker=_MASTER,
                            error=error,
                        )
                    )


def _call_ids(path: Path) -> set[str]:
    return set(_ids_in(path)) if path.is_file() else set()


def _ids_in(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue  # cut with its worker
            if "call_id" in record:
                yield record["call_id"]
