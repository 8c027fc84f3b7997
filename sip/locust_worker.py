"""A Locust worker's share of a run: placed here, recorded here, its files sent to a master elsewhere."""

import json
import logging
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sip import limits, preflight
from sip.access import Access
from sip.copies import Sending
from sip.course import LoadTest, Prepared
from sip.description import Target
from sip.errors import PhoneError, RingtimeError, RunFolderError
from sip.generator import Generator, Offset
from sip.load import drive
from sip.record import CallRecord, RunFolder
from sip.share import Share, version
from sip.trunk import Trunk

_LOOK_EVERY_S = 0.02
_log = logging.getLogger(__name__)


class Shared:
    """One share: `run` it in a greenlet of its own; the other methods come from others."""

    def __init__(
        self,
        share: Share,
        send: Callable[[Mapping[str, Any]], None],
        *,
        on_record: Callable[[CallRecord], None],
    ) -> None:
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

    def run(self, load_test: LoadTest, given: Namespace, environment: Mapping[str, str]) -> None:
        """Place the share's calls; `given` are this worker's own options, which the share's replace."""
        try:
            if self._share.version != version():
                raise PhoneError(
                    f"the master's ringtime is {self._share.version} and this one's {version()}: "
                    "install the same"
                )
            prepared = load_test.read(_as_shared(given, self._share), environment)
            self._place(prepared, environment)
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

    def _place(self, prepared: Prepared, environment: Mapping[str, str]) -> None:
        share = self._share
        folder, is_here = _folder(share, prepared.options.run_dir)
        target = _target(share, prepared, is_here=is_here)
        at_once = -(-prepared.at_once // share.of)
        limits.make_room(at_once)
        generator = self._generator = Generator(
            replace(prepared.options, max_concurrent=_part(prepared.options.max_concurrent, share)),
            prepared.course(share.index, share.of),
            at_once=at_once,
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
        preflight.look(trunk)
    access = None if share.access is None else Access.of(share.access)
    return Target(trunk, share.numbers, access)


def _part(most: int | None, share: Share) -> int | None:
    """This share of so many calls at once; those of all are the whole."""
    return None if most is None else most // share.of + (share.index < most % share.of)
