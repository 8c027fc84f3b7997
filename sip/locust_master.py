"""Locust's workers as the load of a run, seen from the master: each has a share, its records come here."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sip.copies import Piece
from sip.course import GoOn, Prepared
from sip.description import Target
from sip.errors import PhoneError, UsageError
from sip.locust_member import Member
from sip.lost import lost_calls
from sip.plan import Plan
from sip.record import CallsFile, Epoch, RunFolder
from sip.share import shares

LEAD_S = 1.0  # for the word to reach every worker
READY_WITHIN_S = 90.0
TELL_AGAIN_S = 2.0
LOST_AFTER_S = 2.0  # beyond the time after which Locust misses it
CLOSED_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.1
_MASTER = "master"
_log = logging.getLogger(__name__)


class Channel(Protocol):
    """Locust's messages between the master and its workers."""

    def members(self) -> Sequence[str]:
        """The ids of the workers that are there."""

    def send(self, message: Mapping[str, Any], member: str) -> None:
        """Say something to one of them."""


class Master:
    """The workers that were there when the run began (see `sip.load.Load`)."""

    def __init__(self, prepared: Prepared, plan: Plan, given: Mapping[str, Any], channel: Channel) -> None:
        """A run whose options came as `given`."""
        self._prepared = prepared
        self._plan = plan
        self._given = given
        self._channel = channel
        self._ids = list(channel.members())
        self._members: dict[str, Member] = {}
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
        self._members = {each: Member(each, part) for each, part in zip(self._ids, parts, strict=True)}
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

    def _tell_shares(self, members: Sequence[Member]) -> None:
        """A worker that has only just come may not have heard it."""
        for member in members:
            if not member.was_heard:
                self._say(member, "share", share=member.share.message())
                self._ask_clock(member)

    def begin(self) -> None:
        """Tell all when time zero of the plan is, by each one's own clock."""
        _log.info("Placing %d calls by %d workers", self._plan.total, len(self._members))
        self._start_s, start_unix = time.monotonic() + LEAD_S, time.time() + LEAD_S
        for member in self._members.values():
            offset_s, error_s = member.offset
            self._say(
                member,
                "begin",
                start_unix=start_unix + offset_s,
                offset_s=offset_s,
                offset_error_s=error_s,
            )

    def receive(self, sender: str, message: Mapping[str, Any]) -> None:
        """Take what a worker says; of others nothing is taken."""
        member = self._members.get(sender)
        if member is None or self._closed:
            return
        match message["kind"]:
            case "clock":
                member.compare_clocks(message["asked_unix"], message["unix"], time.time())
                if not member.knows_clock:
                    self._ask_clock(member)
            case "ready":
                assert self._folder is not None  # noqa: S101 - shares go out after it was made
                member.set_up(self._folder.path if message["sends"] else None)
            case "refused":
                member.refusal = message["sentence"]
                if math.isfinite(self._start_s):
                    self._lose(member)
            case "piece":
                if (missing := member.take(Piece.of(message["piece"]))) is not None:
                    self._say(member, "again", **missing)
            case "done":
                self._take_end(member, message)

    def step(self, now_s: float) -> float:
        """See who is lost, and ask for what has not come."""
        if now_s < self._looked_s + 1.0:
            return self._looked_s + 1.0
        self._looked_s = now_s
        there = set(self._channel.members())
        for member in self._members.values():
            if member.is_whole:
                continue
            if member.id in there:
                member.gone_s, member.lost = None, member.refusal is not None  # one that stalled comes back
                for missing in member.missing():
                    self._say(member, "again", **missing)
            elif member.gone_s is None:
                member.gone_s = now_s
            elif not member.lost and now_s - member.gone_s >= LOST_AFTER_S:
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
            member.close()
        if math.isfinite(self._start_s) and self._folder is not None:
            self._write_lost(self._folder)

    def _lose(self, member: Member) -> None:
        member.lost = True
        _log.warning(
            "Worker %s (%s) is lost%s: its calls without a record count as dropped",
            member.share.worker,
            member.id,
            f" ({member.refusal})" if member.refusal else "",
        )

    def _halt(self, kind: str, reason: str) -> None:
        if self.over:
            return
        self.stop_reason = self.stop_reason or reason
        self._stopped_s = min(self._stopped_s, time.monotonic())
        self._say_all(kind, reason)

    def _say_all(self, kind: str, reason: str) -> None:
        for member in self._members.values():
            if member.done is None:
                self._say(member, kind, reason=reason)

    def _say(self, member: Member, kind: str, **what: Any) -> None:
        self._channel.send({"kind": kind, **what}, member.id)

    def _ask_clock(self, member: Member) -> None:
        self._say(member, "clock", asked_unix=time.time())

    def _take_end(self, member: Member, message: Mapping[str, Any]) -> None:
        member.done = message
        _log.info("Worker %s has come to its end", member.share.worker)
        if message["stop_reason"] is not None:
            self.stop(message["stop_reason"])

    def _write_lost(self, folder: RunFolder) -> None:
        lost = [member for member in self._members.values() if not member.is_whole]
        if not lost:
            return
        with CallsFile(folder.path, _MASTER, Epoch.now()) as file:
            for member in lost:
                for record in lost_calls(
                    self._plan,
                    member.share,
                    folder.path,
                    start_s=self._start_s,
                    stopped_s=self._stopped_s,
                    epoch=file.epoch,
                    worker=_MASTER,
                ):
                    file.add(record)
            self._lost_dials = file.count
