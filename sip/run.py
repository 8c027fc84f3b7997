"""One run from its folder to its verdict: lab or trunk, the load, the report."""

import logging
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from sip import attendance, limits, preflight
from sip.access import Access
from sip.attendance import Attendance
from sip.course import Prepared
from sip.description import Target, describe, planned
from sip.errors import DeploymentError, LabDownError, RingtimeError
from sip.lab_process import LabProcess
from sip.load import Load, drive
from sip.preview import Preview
from sip.record import RunFolder
from sip.trunk import Trunk
from sip.voice import change_of

INTERRUPTED = 130  # what a shell reports for Ctrl-C
_VERDICTS = (0, 3, 4, 5)
_REFUSED = 2  # a baseline that turned out to be unlike
_DROP_AFTER_S = 60.0  # what calls may take to end, beyond ring timeout and hold
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended: the process's exit code, and words for whoever waits for it."""

    exit_code: int
    words: str


class Run:
    """`start`, then `drive` until it returns, then `finish`; the other methods come from other greenlets."""

    def __init__(self, prepared: Prepared, given: Mapping[str, Any], load: Load) -> None:
        """A run whose options came as `given` and whose calls are placed by `load`."""
        self._options = prepared.options
        self._load = load
        self._at_once = prepared.at_once
        self._resumed = prepared.resumed
        self._given = given
        self._up = ExitStack()
        self._folder: RunFolder | None = None
        self._lab: LabProcess | None = None
        self._attendance: Attendance | None = None
        self._error: RingtimeError | None = None
        self._reading: subprocess.Popen[str] | None = None
        self._started = False
        self._begun = False
        self._interrupted = False

    @property
    def drain_s(self) -> float:
        """How long calls may take to end once dialling has stopped."""
        return self._options.ring_timeout_s + self._options.hold_s + _DROP_AFTER_S

    @property
    def over(self) -> bool:
        """Whether there is nothing left to drive: every call has its record, or there will be none."""
        return self._started and (not self._begun or self._load.over)

    def interrupt(self) -> None:
        """End every call now and make no more; `drive` returns within seconds."""
        self._interrupted = True
        self.abandon()

    def abandon(self) -> None:
        """Leave the reading of the records to `python -m reports`."""
        if self._reading is not None:
            self._reading.terminate()

    def stop_dialling(self, reason: str) -> None:
        """Make no new calls; those that are up live to their end."""
        self._load.stop(reason)

    def start(self) -> None:
        """Bring up everything that calls need; what goes wrong is told by the verdict of `finish`."""
        try:
            self._start()
        except RingtimeError as error:
            self._error = error
        finally:
            self._started = True

    def drive(self) -> None:
        """Place the calls and stay with them to the last record."""
        if not self._begun:
            return
        error = drive(
            self._load, cut=lambda: "interrupted" if self._interrupted else None, look=self._look_after_others
        )
        self._error = self._error or error
        if self._load.stop_reason:
            _log.warning("Dialling stopped early: %s", self._load.stop_reason)

    def finish(self) -> Verdict:
        """Take everything down, complete the folder, have the verdict and the report made."""
        try:
            self._up.close()
        except RingtimeError as error:
            self._error = self._error or error
        if not self._begun or self._folder is None:
            if self._error is not None:
                return Verdict(self._error.exit_code, str(self._error))
            return Verdict(INTERRUPTED, "interrupted before the first call")
        verdict = self._report(self._folder)
        if self._error is not None:
            return Verdict(self._error.exit_code, f"{verdict.words}\n{self._error}")
        return Verdict(INTERRUPTED, verdict.words) if self._interrupted else verdict

    def _start(self) -> None:
        options = self._options
        folder = self._folder = (
            RunFolder(self._resumed) if self._resumed else RunFolder.create(options.run_dir)
        )
        _log.info("The run's folder is %s", folder.path)
        limits.make_room(self._at_once, options.media)
        for warning in options.network.warnings:
            _log.warning("%s", warning)
        if options.voice is not None and (change := change_of(options.voice)) is not None:
            _log.warning("%s", change)
        preview = Preview(options, {**planned(options), **self._load.describe()})
        self._up.callback(preview.kill)
        if self._load.describe():  # it is to find out what the tester can do, with nobody beside it
            self._heed(preview)
        self._load.prepare(folder, go_on=lambda: not self._interrupted)
        target = None if self._interrupted else self._target(folder)
        if target is None:
            return
        run = describe(folder.run_id, options, self._given, target, workers=self._load.workers(folder))
        folder.write_run({**run, **self._load.describe()})
        self._up.callback(self._complete, folder)  # once the load has closed its files
        self._up.callback(self._load.close)
        self._load.open(folder, target, go_on=lambda: not self._interrupted)
        self._heed(preview)
        if target.access is not None and self._lab is not None:
            if (shortfall := target.access.shortfall(self._at_once)) is not None:
                _log.warning("%s", shortfall)
            self._lab.begin()
            _log.info("The network is %s, by %s", options.network, run["network"]["executor"])
        if not self._interrupted:
            self._load.begin()
            self._begun = True

    def _heed(self, preview: Preview) -> None:
        if short := preview.heed():
            _log.warning("%s", short)

    def _target(self, folder: RunFolder) -> Target | None:
        """What is to be called, once it can be; None where an interruption came first."""
        options = self._options
        if options.trunk is not None:
            preflight.look(options.trunk, options.source)
            if attendance.is_needed(options) and not self._attended(folder):
                return None
            numbers = {arm.name: arm.number or "" for arm in options.arms}
            return Target(options.trunk, numbers, Access((options.source,)) if options.source else None)
        self._lab = LabProcess(options, folder.path)
        self._up.callback(self._lab.stop)
        began_s = time.monotonic()
        ready = self._lab.wait_ready(go_on=lambda: not self._interrupted)
        if ready is None:
            return None
        took_s = time.monotonic() - began_s
        _log.info("The lab takes calls at %s (%s) after %.1f s", ready.trunk_uri, ready.trunk_kind, took_s)
        return Target(
            Trunk.parse(ready.trunk_uri),
            {arm.name: arm.number for arm in ready.arms},
            ready.network.access if ready.network else None,
            ready,
        )

    def _attended(self, folder: RunFolder) -> bool:
        """Have the deployment behind the trunk seen to; False where an interruption came first."""
        self._attendance = Attendance(self._options, folder.path)
        self._up.callback(self._attendance.stop)
        ready = self._attendance.wait_ready(go_on=lambda: not self._interrupted)
        if ready:
            _log.info("The deployment is ready: see %s", folder.path / "logs" / "rooms.log")
        return ready

    def _complete(self, folder: RunFolder) -> None:
        """Say in run.json how it ended, whatever happened."""
        if not self._begun:
            return
        cut = self._interrupted or self._error is not None or self._load.stop_reason is not None
        folder.complete_run(
            {
                "state": "cut" if cut else "complete",
                "ended_unix": time.time(),
                "stop_reason": self._load.stop_reason,
                "dropped_dials": self._load.dropped_dials,
            }
        )

    def _look_after_others(self) -> None:
        trouble = self._lab.trouble() if self._lab is not None else None
        if trouble is not None:
            raise LabDownError(trouble)
        trouble = self._attendance.trouble() if self._attendance is not None else None
        if trouble is not None:
            raise DeploymentError(trouble)

    def _report(self, folder: RunFolder) -> Verdict:
        """Have the analysis read the folder: its exit code is the verdict's."""
        _log.info("Reading %s", folder.path)
        command = [sys.executable, "-m", "reports", str(folder.path)]
        if not self._options.report:
            command.append("--no-html")
        if self._options.otlp:
            command += ["--otlp", self._options.otlp]
        # A session of its own, so that the Ctrl-C that ended the calls does not end their report.
        self._reading = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        words = self._reading.communicate()[0].strip()
        if self._reading.returncode not in _VERDICTS:
            unread = f"{folder.path} was not read to the end: see `python -m reports {folder.path}`"
            code = _REFUSED if self._reading.returncode == _REFUSED else 1
            return Verdict(code, f"{words}\n{unread}".strip())
        return Verdict(self._reading.returncode, words)
