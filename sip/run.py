"""One run from its folder to its verdict: lab or trunk, phones, campaign, records, report."""

import logging
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sip import attendance, limits, preflight
from sip.access import Access
from sip.attendance import Attendance
from sip.call import Limits
from sip.campaign import Campaign, Settings
from sip.course import Prepared
from sip.description import Target, describe, planned
from sip.errors import DeploymentError, LabDownError, RingtimeError
from sip.health import Health
from sip.lab_process import LabProcess
from sip.pool import Pool
from sip.preview import Preview
from sip.priority import raised_priority
from sip.record import CallRecord, CallsFile, Epoch, HealthFile, RunFolder
from sip.trunk import Trunk

INTERRUPTED = 130  # what a shell reports for Ctrl-C
_VERDICTS = (0, 3, 4, 5)
_REFUSED = 2  # a baseline that turned out to be unlike
_LOOK_EVERY_S = 0.2  # how soon an interruption is noticed
_LEAD_S = 0.5  # from ready to time zero of the plan, so that nothing is late before it began
_FIRST_LINES = 50  # more come as calls come up
_DROP_AFTER_S = 60.0  # what calls may take to end, beyond ring timeout and hold
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended: the process's exit code, and words for whoever waits for it."""

    exit_code: int
    words: str


class Run:
    """`start`, then `drive` until it returns, then `finish`; the other methods come from other greenlets."""

    def __init__(
        self, prepared: Prepared, given: Mapping[str, Any], *, on_record: Callable[[CallRecord], None]
    ) -> None:
        """A run whose options came as `given`; each call's record goes to `on_record` too."""
        self._options = prepared.options
        self._course = prepared.course()
        self._at_once = prepared.at_once
        self._resumed = prepared.resumed
        self._given = given
        self._on_record = on_record
        self._up = ExitStack()
        self._folder: RunFolder | None = None
        self._lab: LabProcess | None = None
        self._attendance: Attendance | None = None
        self._pool: Pool | None = None
        self._campaign: Campaign | None = None
        self._health: Health | None = None
        self._error: RingtimeError | None = None
        self._reading: subprocess.Popen[str] | None = None
        self._started = False
        self._interrupted = False

    @property
    def drain_s(self) -> float:
        """How long calls may take to end once dialling has stopped."""
        return self._options.ring_timeout_s + self._options.hold_s + _DROP_AFTER_S

    @property
    def over(self) -> bool:
        """Whether there is nothing left to drive: every call has its record, or there will be none."""
        return self._started and (self._campaign is None or self._course.over)

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
        self._course.stop(reason)

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
        campaign, pool, health = self._campaign, self._pool, self._health
        if campaign is None or pool is None or health is None:
            return
        with raised_priority():
            self._drive(campaign, pool, health)
        if self._course.stop_reason:
            _log.warning("Dialling stopped early: %s", self._course.stop_reason)

    def finish(self) -> Verdict:
        """Take everything down, complete the folder, have the verdict and the report made."""
        try:
            self._up.close()
        except RingtimeError as error:
            self._error = self._error or error
        if self._campaign is None or self._folder is None:
            if self._error is not None:
                return Verdict(self._error.exit_code, str(self._error))
            return Verdict(INTERRUPTED, "interrupted before the first call")
        verdict = self._report(self._folder)
        if self._error is not None:
            return Verdict(self._error.exit_code, f"{verdict.words}\n{self._error}")
        return Verdict(INTERRUPTED, verdict.words) if self._interrupted else verdict

    def _drive(self, campaign: Campaign, pool: Pool, health: Health) -> None:
        wanted_s, cut = math.inf, False
        while not self._course.over:
            now_s = time.monotonic()
            health.late(now_s - wanted_s)
            if not cut and (self._interrupted or self._error is not None):
                cut = True
                self._course.stop(str(self._error or "interrupted"))
                campaign.abort(now_s, str(self._error or "interrupted"))
            try:
                wanted_s = campaign.step(now_s)
                wanted_s = min(wanted_s, self._course.step(now_s))
                if health.due(now_s):
                    health.write(now_s, calls_up=campaign.calls_up, dropped_dials=campaign.dropped_dials)
                    self._look_after_others()
            except RingtimeError as error:
                self._error = self._error or error
            pool.wait(max(0.0, min(wanted_s - time.monotonic(), _LOOK_EVERY_S)))

    def _start(self) -> None:
        options = self._options
        folder = self._folder = (
            RunFolder(self._resumed) if self._resumed else RunFolder.create(options.run_dir)
        )
        _log.info("The run's folder is %s", folder.path)
        limits.make_room(self._at_once)
        for warning in options.network.warnings:
            _log.warning("%s", warning)
        preview = Preview(options, {**planned(options), **self._course.describe()})
        self._up.callback(preview.kill)
        if self._course.describe():  # it is to find out what the tester can do, with nobody beside it
            self._heed(preview)
        self._course.prepare(folder, go_on=lambda: not self._interrupted)
        target = None if self._interrupted else self._target(folder)
        if target is None:
            return
        workers = folder.new_worker()
        run = describe(folder.run_id, options, self._given, target, workers=workers)
        folder.write_run({**run, **self._course.describe()})
        network = target.lab.network if target.lab else None
        source = Access((options.source,)) if options.source else None
        pool = self._pool = Pool(
            target.trunk,
            log_folder=folder.path / "logs",
            access=network.access if network else source,
            concurrent=min(self._at_once, _FIRST_LINES),
            max_concurrent=options.max_concurrent,
        )
        self._up.callback(pool.close)
        pool.open()
        self._heed(preview)
        if network is not None and self._lab is not None:
            if (shortfall := network.access.shortfall(self._at_once)) is not None:
                _log.warning("%s", shortfall)
            self._lab.begin()
            _log.info("The network is %s, by %s", options.network, network.executor)
        self._up.enter_context(self._records(folder, target, worker=workers[-1]))

    def _heed(self, preview: Preview) -> None:
        if short := preview.heed():
            _log.warning("%s", short)

    def _target(self, folder: RunFolder) -> Target | None:
        """What is to be called, once it can be; None where an interruption came first."""
        options = self._options
        if options.trunk is not None:
            preflight.look(options.trunk, source=options.source.first if options.source else "")
            if attendance.is_needed(options) and not self._attended(folder):
                return None
            return Target(options.trunk, {arm.name: arm.number or "" for arm in options.arms}, None)
        self._lab = LabProcess(options, folder.path)
        self._up.callback(self._lab.stop)
        began_s = time.monotonic()
        ready = self._lab.wait_ready(go_on=lambda: not self._interrupted)
        if ready is None:
            return None
        took_s = time.monotonic() - began_s
        _log.info("The lab takes calls at %s (%s) after %.1f s", ready.trunk_uri, ready.trunk_kind, took_s)
        return Target(Trunk.parse(ready.trunk_uri), {arm.name: arm.number for arm in ready.arms}, ready)

    def _attended(self, folder: RunFolder) -> bool:
        """Have the deployment behind the trunk seen to; False where an interruption came first."""
        self._attendance = Attendance(self._options, folder.path)
        self._up.callback(self._attendance.stop)
        ready = self._attendance.wait_ready(go_on=lambda: not self._interrupted)
        if ready:
            _log.info("The deployment is ready: see %s", folder.path / "logs" / "rooms.log")
        return ready

    @contextmanager
    def _records(self, folder: RunFolder, target: Target, *, worker: str) -> Iterator[None]:
        """The campaign and its files; leaving completes run.json, whatever happened."""
        options = self._options
        assert self._pool is not None  # noqa: S101 - for the type checker
        waits = Limits(
            ring_timeout_s=options.ring_timeout_s,
            setup_timeout_s=options.setup_timeout_s,
            hold_s=options.hold_s,
        )
        settings = Settings(
            run_id=folder.run_id,
            numbers=target.numbers,
            limits=waits,
            max_concurrent=options.max_concurrent,
            stop_after_failures=options.stop_after_failures,
        )
        epoch = Epoch.now()
        with CallsFile(folder.path, worker, epoch) as calls, HealthFile(folder.path, worker) as health:
            self._health = Health(health, self._pool)
            campaign = self._campaign = Campaign(
                self._pool,
                settings,
                epoch=epoch,
                worker=worker,
                on_record=lambda record: self._keep(calls, record),
            )
            self._course.begin(campaign, start_s=time.monotonic() + _LEAD_S)
            try:
                yield
            finally:
                cut = self._interrupted or self._error is not None or self._course.stop_reason is not None
                folder.complete_run(
                    {
                        "state": "cut" if cut else "complete",
                        "ended_unix": time.time(),
                        "stop_reason": self._course.stop_reason,
                        "dropped_dials": campaign.dropped_dials,
                    }
                )

    def _keep(self, calls: CallsFile, record: CallRecord) -> None:
        if calls.whole:
            try:
                calls.add(record)
            except RingtimeError as error:
                self._error = self._error or error
        self._course.keep(record)
        self._on_record(record)

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
