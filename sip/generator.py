"""The load generator of one process: its phones, its campaign, and the files that they leave."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from sip.campaign import Campaign, Settings
from sip.course import Course, GoOn
from sip.description import Target
from sip.errors import RingtimeError
from sip.health import Health
from sip.options import Options
from sip.phase import Limits
from sip.pool import Pool
from sip.record import CallRecord, CallsFile, Epoch, HealthFile, RunFolder
from sip.recording import Recordings

LEAD_S = 0.5  # from ready to time zero of the plan, so that nothing is late before it began


@dataclass(frozen=True, slots=True)
class Offset:
    """How far this process's wall clock is ahead of the run's, in seconds, give or take `error_s`."""

    seconds: float = 0.0
    error_s: float = 0.0


class Generator:
    """The whole load of a run, or one worker's share of it (see `sip.load.Load`)."""

    def __init__(
        self,
        options: Options,
        course: Course,
        *,
        lines: int,
        most_lines: int | None,
        on_record: Callable[[CallRecord], None],
        worker: str | None = None,
    ) -> None:
        """Begin with so many `lines` and end with no more than `most_lines`; records go to `on_record` too.

        One of several workers has the name that it was given, and its logs in a folder of that name.
        """
        self._options = options
        self._course = course
        self._lines, self._most_lines = lines, most_lines
        self._on_record = on_record
        self._worker = worker
        self._up = ExitStack()
        self._pool: Pool | None = None
        self._recordings: Recordings | None = None
        self._campaign: Campaign | None = None
        self._health: Health | None = None
        self._folder: RunFolder | None = None
        self._numbers: Mapping[str, str] = {}
        self._error: RingtimeError | None = None

    @property
    def over(self) -> bool:
        """Whether every call has its record and no more are to come."""
        return self._campaign is None or self._course.over

    @property
    def stop_reason(self) -> str | None:
        """Why it did not come to its own end, in words."""
        return self._course.stop_reason

    @property
    def dropped_dials(self) -> int:
        """Calls that were due and could not be made."""
        return 0 if self._campaign is None else self._campaign.dropped_dials

    def workers(self, folder: RunFolder) -> list[str]:
        """Whose files the folder is to hold: those that it holds, and this one's."""
        return folder.new_worker()

    def prepare(self, folder: RunFolder, *, go_on: GoOn) -> None:
        """Find out what must be known before all else is up."""
        self._course.prepare(folder, go_on=go_on)

    def describe(self) -> Mapping[str, Any]:
        """The course's keys of run.json."""
        return self._course.describe()

    def open(self, folder: RunFolder, target: Target, *, go_on: GoOn) -> None:
        """Start the phones.

        Raises:
            PhoneError: They do not start.
        """
        options = self._options
        self._folder, self._numbers = folder, target.numbers
        self._pool = Pool(
            target.trunk,
            log_folder=folder.path / "logs" / (self._worker or ""),
            access=target.access,
            concurrent=self._lines,
            max_concurrent=min(filter(None, (self._most_lines, options.max_concurrent)), default=None),
            media=options.media,
            voice=options.voice,
        )
        if options.record is not None:
            self._recordings = Recordings(
                options.record,
                folder.path,
                seed=options.seed,
                keep=self._pool.keep,
                discard=self._pool.discard,
            )
            self._up.callback(self._recordings.close)  # when the pool is
        self._up.callback(self._pool.close)
        self._pool.open()

    def begin(self, *, start_s: float | None = None, offset: Offset | None = None) -> None:
        """Create the files; the first call may be due at `start_s`, or in half a second."""
        options, folder, pool = self._options, self._folder, self._pool
        assert folder is not None and pool is not None  # noqa: S101, PT018 - for the type checker
        worker = self._worker or folder.new_worker()[-1]
        offset = offset or Offset()
        epoch = Epoch.now()
        calls = self._up.enter_context(
            CallsFile(
                folder.path,
                worker,
                epoch,
                master_offset_s=offset.seconds,
                master_offset_error_s=offset.error_s,
            )
        )
        self._health = Health(self._up.enter_context(HealthFile(folder.path, worker)), pool)
        settings = Settings(
            run_id=folder.run_id,
            numbers=self._numbers,
            limits=Limits(
                ring_timeout_s=options.ring_timeout_s,
                setup_timeout_s=options.setup_timeout_s,
                hold_s=options.hold_s,
            ),
            max_concurrent=options.max_concurrent,
            stop_after_failures=options.stop_after_failures,
        )
        self._campaign = Campaign(
            pool,
            settings,
            epoch=epoch,
            worker=worker,
            on_record=lambda record: self._keep(calls, record),
            recordings=self._recordings,
        )
        self._course.begin(self._campaign, start_s=time.monotonic() + LEAD_S if start_s is None else start_s)

    def step(self, now_s: float) -> float:
        """Do all that is due; the answer is when to come back if the phones stay quiet.

        Raises:
            RingtimeError: Something of the tester's own went wrong, said once; it may be called again.
        """
        campaign, health = self._campaign, self._health
        if campaign is None or health is None:
            return math.inf
        wanted_s = campaign.step(now_s)
        wanted_s = min(wanted_s, self._course.step(now_s))
        if health.due(now_s):
            health.write(now_s, calls_up=campaign.calls_up, dropped_dials=campaign.dropped_dials)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return wanted_s

    def late(self, by_s: float) -> None:
        """It was called so long after the moment that it had asked for."""
        if self._health is not None:
            self._health.late(by_s)

    def wait(self, timeout_s: float) -> None:
        """Return when a phone has something to say, at the latest after `timeout_s`."""
        if self._pool is not None:
            self._pool.wait(timeout_s)

    def stop(self, reason: str) -> None:
        """Make no new calls; those that are up live to their end."""
        self._course.stop(reason)

    def cut(self, now_s: float, reason: str) -> None:
        """Make no new calls and end all others now."""
        self._course.stop(reason)
        if self._campaign is not None:
            self._campaign.abort(now_s, reason)

    def close(self) -> None:
        """Complete the files and end every phone."""
        self._up.close()

    def _keep(self, calls: CallsFile, record: CallRecord) -> None:
        if calls.whole:
            try:
                calls.add(record)
            except RingtimeError as error:
                self._error = self._error or error
        self._course.keep(record)
        self._on_record(record)
