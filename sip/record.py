"""The record that each call leaves, the run's folder, and the append-only files in it."""

import contextlib
import datetime as dt
import errno
import json
import os
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sip.errors import RunFolderError
from sip.heard import Heard, RtpStats
from sip.outcome import Outcome

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call attempt (`schemas/calls.json`): `_s` counts from the file's start, None never happened."""

    call_id: str
    arm: str
    block: int
    warm_up: bool
    number: str
    profile: str
    due_s: float
    invite_s: float | None
    trying_s: float | None
    ringing_s: float | None
    answered_s: float | None
    first_packet_s: float | None
    first_audio_s: float | None
    response_s: tuple[float, ...]
    cancel_s: float | None
    bye_s: float | None
    bye_answered_s: float | None
    ended_s: float | None
    due_unix: float
    outcome: Outcome
    silent: bool | None
    sip_status: int | None
    sip_reason: str | None
    status_is_local: bool
    sip_call_id: str | None
    to_tag: str | None
    ended_by: str | None
    rtp: RtpStats | None
    heard: Heard | None
    recording: str | None
    worker: str
    error: str | None

    @property
    def ring_s(self) -> float:
        """How long the caller heard it ring: until the answer, or until there was none to come."""
        until_s = next((at for at in (self.answered_s, self.cancel_s, self.ended_s) if at is not None), 0.0)
        since_s = self.ringing_s if self.ringing_s is not None else self.invite_s
        return 0.0 if since_s is None else max(0.0, until_s - since_s)

    def as_dict(self) -> dict[str, Any]:
        """Ready for `json.dumps`; times rounded to the microsecond."""
        values = dict(zip(_FIELDS, _values_of(self), strict=True))
        for name in _TIMES:
            if values[name] is not None:
                values[name] = round(values[name], 6)
        values["response_s"] = [round(value, 6) for value in self.response_s]
        values["rtp"] = None if self.rtp is None else dict(zip(_RTP, _rtp_values_of(self.rtp), strict=True))
        values["heard"] = None if self.heard is None else _rounded(self.heard)
        return values


# Taken apart once: a record is written while calls are up, beside their signalling.
_FIELDS = tuple(field.name for field in fields(CallRecord))
_TIMES = tuple(name for name in _FIELDS if name.endswith("_s") and name != "response_s")
_RTP = tuple(field.name for field in fields(RtpStats))
_values_of = attrgetter(*_FIELDS)
_rtp_values_of = attrgetter(*_RTP)
_HEARD = tuple(field.name for field in fields(Heard))
_heard_values_of = attrgetter(*_HEARD)
_encoded = json.JSONEncoder(separators=(",", ":")).encode


def _rounded(heard: Heard) -> dict[str, float | None]:
    values = zip(_HEARD, _heard_values_of(heard), strict=True)
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in values}


@dataclass(frozen=True, slots=True)
class Epoch:
    """One moment on both clocks: where the times of a calls file count from."""

    monotonic: float
    unix: float

    @classmethod
    def now(cls) -> Self:
        """This moment."""
        return cls(time.monotonic(), time.time())


class AppendFile:
    """JSON lines, each written by one `os.write` on an O_APPEND descriptor: a kill loses no finished line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RunFolderError(_cannot_write(path, error)) from error

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line; raises RunFolderError where the disk does not take it whole."""
        data = _encoded(line).encode() + b"\n"
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            raise RunFolderError(_cannot_write(self.path, error)) from error
        if written != len(data):
            # What a full disk does to a line that fits in part; a reader cuts at the last newline.
            raise RunFolderError(_cannot_write(self.path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))

    def close(self) -> None:
        """Close the descriptor; may be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CallsFile(AppendFile):
    """`calls-<worker>.jsonl`: a header that ties its clock to wall time, a line a call, a closing line.

    A file without its closing line belongs to a worker that died.
    """

    def __init__(
        self,
        folder: Path,
        worker: str,
        epoch: Epoch,
        *,
        master_offset_s: float = 0.0,
        master_offset_error_s: float = 0.0,
    ) -> None:
        super().__init__(folder / f"calls-{worker}.jsonl")
        self.worker = worker
        self.epoch = epoch
        self.count = 0
        self.whole = True
        """False once a write has failed: what followed could join a line that was cut."""
        self._append(
            {
                "format": FORMAT,
                "worker": worker,
                "host": socket.gethostname(),
                "monotonic": epoch.monotonic,
                "unix": epoch.unix,
                "master_offset_s": master_offset_s,
                "master_offset_error_s": master_offset_error_s,
            }
        )

    def add(self, record: CallRecord) -> None:
        """Append a finished call."""
        self._append(record.as_dict())
        self.count += 1

    def close(self) -> None:
        """Write the closing line, unless a write failed before, and close."""
        if self._descriptor >= 0 and self.whole:
            self._append({"closed": True, "count": self.count})
        super().close()

    def _append(self, line: Mapping[str, Any]) -> None:
        try:
            self.write(line)
        except RunFolderError:
            self.whole = False
            raise


class HealthFile(AppendFile):
    """`health-<worker>.jsonl`: the tester's own state, a line a second (`schemas/health.json`)."""

    def __init__(self, folder: Path, worker: str) -> None:
        super().__init__(folder / f"health-{worker}.jsonl")


class RunFolder:
    """`runs/<UTC time>-<short id>/`: everything that the load side and the analysis share."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def run_id(self) -> str:
        """The folder's name, which is the run's name everywhere."""
        return self.path.name

    @classmethod
    def create(cls, runs: Path, *, now_unix: float | None = None) -> Self:
        """Make a new run's folder under `runs` and point `runs/latest` at it."""
        started = dt.datetime.fromtimestamp(time.time() if now_unix is None else now_unix, dt.UTC)
        path = runs / f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        link = runs / f".latest-{path.name}"
        try:
            path.mkdir(parents=True)
            link.symlink_to(path.name, target_is_directory=True)
            link.replace(runs / "latest")
        except OSError as error:
            with contextlib.suppress(OSError):
                link.unlink()
            raise RunFolderError(_cannot_write(path, error)) from error
        return cls(path)

    def new_worker(self) -> list[str]:
        """The workers that have a file here, and one more, which has none: the last is the new one's name."""
        found = len(list(self.path.glob("calls-*.jsonl")))
        return [str(number) for number in range(found + 1)]

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Replace `run.json` (`schemas/run.json`) as a whole: a reader sees the old one or the new one."""
        self._replace("run.json", run)

    def complete_run(self, changes: Mapping[str, Any]) -> None:
        """Write `run.json` again with these keys changed: `state`, `ended_unix`, what else became known."""
        run: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        self._replace("run.json", {**run, **changes})

    def _replace(self, name: str, document: Mapping[str, Any]) -> None:
        draft = self.path / f".{name}-{os.getpid()}"
        try:
            draft.write_text(json.dumps(document, indent=2) + "\n")
            draft.replace(self.path / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise RunFolderError(_cannot_write(self.path / name, error)) from error


def _cannot_write(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"No space is left for {path}; finished calls are kept: free some, or give another --run-dir."
    return f"{path} cannot be written ({error.strerror}): give a --run-dir that can be."
