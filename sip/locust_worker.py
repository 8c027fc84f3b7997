"""A Locust worker's share of a run: placed here, recorded here, its files sent to a master elsewhere."""

import json
import logging
import os
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sip import limits, preflight
from sip.access import Access
from sip.copies import Sending
from sip.course import LoadTest, Prepared
from sip.description import Target
from sip.errors import PhoneError, RingtimeError, RunFolderError
from sip.generator import Generator, Offset
from sip.load import drive
from sip.record import CallRecord, RunFolder
from sip.share import Share
from sip.trunk import Trunk

_LOOK_EVERY_S = 0.02
_LEFT_WITHIN_S = 20.0  # calls that are cut have ended long before
_ENDED_WITHIN_S = 5.0  # an interrupted master has told its workers to end before
_log = logging.getLogger(__name__)
Send = Callable[[Mapping[str, Any]], None]


class Greenlet(Protocol):
    """Something that runs beside."""

    def join(self, timeout: float | None = None) -> Any:
        """Wait for its end."""


class LocustWorker:
    """What a worker does for one run after another, as its master says."""

    def __init__(
        self,
        load_test: LoadTest,
        given: Namespace,
        *,
        send: Send,
        spawn: Callable[[Callable[[], None]], Greenlet],
        on_record: Callable[[CallRecord], None],
    ) -> None:
        """`given` are its own options, which those of a share replace; `send` is heard by the master."""
        self._load_test = load_test
        self._given = given
        self._send = send
        self._spawn = spawn
        self._on_record = on_record
        self._shared: Shared | None = None
        self._placing: Greenlet | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it has no calls to place."""
        return self._shared is None or self._shared.over

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take what the master says; returns at once."""
        match message["kind"]:
            case "clock":
                self._send({**message, "unix": time.time()})
            case "share":
                share = Share.of_message(message["share"])
                if self._shared is None or self._shared.run_id != share.run_id:
                    self._shared = Shared(share, self._send, on_record=self._on_record)
                    self._placing = self._spawn(partial(self._shared.run, self._load_test, self._given))
            case _ if self._shared is not None:
                self._shared.receive(message)

    def await_end(self) -> None:
        """Return when the share at hand is done."""
        while not self.is_idle:
            time.sleep(_LOOK_EVERY_S)

    def leave(self, reason: str) -> None:
        """End the share's calls and wait until they have."""
        if self._shared is not None and self._placing is not None and not self.is_idle:
            self._shared.cut(reason)
            self._placing.join(_LEFT_WITHIN_S)

    def withdraw(self) -> None:
        """Leave for good; where the master is leaving as well, it is to say so first."""
        if not self.is_idle:
            _log.warning("Interrupted: ending the calls of this worker; once more to leave at once")
            self.leave("interrupted at the worker")
            time.sleep(_ENDED_WITHIN_S)


class Shared:
    """One share: `run` it in a greenlet of its own; the other methods come from others."""

    def __init__(self, share: Share, send: Send, *, on_record: Callable[[CallRecord], None]) -> None:
        """What it has to say to the master goes to `send`."""
        self._share = share
        self._send = send
        self._on_record = on_record
        self._generator: Generator | None = None
        self._sending = Sending([])
        self._begin: Mapping[str, Any] | None = None
        self._cut: str | None = None
        self.over = False

    @property
    def run_id(self) -> str:
        """Of which run it is a share."""
        return self._share.run_id

    def run(self, load_test: LoadTest, given: Namespace) -> None:
        """Place the share's calls; whatever goes wrong is told to the master."""
        try:
            self._share.check_version()
            self._place(load_test.read(_as_shared(given, self._share), os.environ))
        except RingtimeError as error:
            _log.error("%s", error)
            self._send({"kind": "refused", "sentence": str(error)})
        except Exception as error:
            _log.exception("The share cannot be placed")
            self._send({"kind": "refused", "sentence": f"it failed ({error!r}): see its log"})
        finally:
            self.over = True

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take what the master says of this share."""
        match message["kind"]:
            case "begin":
                self._begin = message
            case "stop":
                if self._generator is not None and self._begin is not None:
                    self._generator.stop(message["reason"])
                else:
                    self.cut(message["reason"])
            case "cut":
                self.cut(message["reason"])
            case "again":
                self._sending.again(message["name"], message["offset"])
                if self.over:
                    self._forward()

    def cut(self, reason: str) -> None:
        """End every call now and make no more."""
        self._cut = self._cut or reason

    def _place(self, prepared: Prepared) -> None:
        share = self._share
        folder, is_here = _folder(share, prepared.options.run_dir)
        target = _target(share, prepared, is_here=is_here)
        limits.make_room(-(-prepared.at_once // share.of), prepared.options.media)
        generator = self._generator = Generator(
            replace(prepared.options, max_concurrent=_part(prepared.options.max_concurrent, share)),
            prepared.course(share.index, share.of),
            lines=-(-prepared.lines // share.of),
            most_lines=prepared.most_lines,
            on_record=self._on_record,
            worker=share.worker,
        )
        try:
            generator.open(folder, target, go_on=lambda: self._cut is None)
            self._send({"kind": "ready", "sends": not is_here})
            while self._begin is None and self._cut is None:
                time.sleep(_LOOK_EVERY_S)
            if self._begin is None:
                return
            offset = Offset(self._begin["offset_s"], self._begin["offset_error_s"])
            start_s = time.monotonic() + self._begin["start_unix"] - time.time()
            generator.begin(start_s=start_s, offset=offset)
            if not is_here:
                names = (f"calls-{share.worker}.jsonl", f"health-{share.worker}.jsonl")
                self._sending = Sending([folder.path / name for name in names])
            error = drive(generator, cut=lambda: self._cut, look=self._forward)
        finally:
            generator.close()
        self._forward()
        self._send(
            {
                "kind": "done",
                "sizes": self._sending.sizes(),
                "dropped_dials": generator.dropped_dials,
                "stop_reason": str(error) if error else generator.stop_reason,
            }
        )

    def _forward(self) -> None:
        for piece in self._sending.pieces():
            self._send({"kind": "piece", "piece": piece.message()})


def _as_shared(given: Namespace, share: Share) -> Namespace:
    return Namespace(**{**vars(given), **_attributes(share.given), "run_time": share.run_time})


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in given.items()}


def _folder(share: Share, run_dir: Path) -> tuple[RunFolder, bool]:
    """The run's folder as it is here, and whether it is the master's own."""
    there = Path(share.folder)
    try:
        if json.loads((there / "run.json").read_bytes())["run_id"] == share.run_id:
            return RunFolder(there), True
    except (OSError, ValueError, KeyError):
        pass
    here = run_dir / share.run_id
    try:
        here.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"{here} cannot be made ({error.strerror}): give a --run-dir that can be."
        ) from error
    return RunFolder(here), False


def _target(share: Share, prepared: Prepared, *, is_here: bool) -> Target:
    trunk = prepared.options.trunk
    if trunk is None:
        trunk = Trunk.parse(share.trunk)
        if not is_here:
            raise PhoneError("the lab takes calls on the master's machine only: give --trunk, or one machine")
    elif not trunk.is_loopback:
        preflight.look(trunk, prepared.options.source)
    access = None if share.access is None else Access.of(share.access)
    return Target(trunk, share.numbers, access)


def _part(most: int | None, share: Share) -> int | None:
    """This share of so many calls at once; those of all are the whole."""
    return None if most is None else most // share.of + (share.index < most % share.of)
