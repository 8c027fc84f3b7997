"""What happens inside the agent's job processes, appended to the run's folder as it happens."""

import contextlib
import json
import logging
import os
import re
from pathlib import Path

from livekit.agents import telemetry
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

_FILE = "RINGTIME_AGENT_EVENTS"
_ARM = "RINGTIME_ARM"
_CONNECT = "room_connect"
_SPANS = frozenset({_CONNECT, "job_entrypoint"})
# As livekit-agents 1.8.9 names them in telemetry/trace_types.py.
_ROOM = "lk.pii.room_name"
_SET_WHEN_CONNECTED = "lk.room.remote_participant_count"
_LATENCY = re.compile(r"lk\.job\.(accept|assignment|launch|entrypoint|dispatch)_latency")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")


def record(*own_loggers: str) -> None:
    """Write down, from now on, the spans and the log of this job process; nothing where no file is named.

    Of the log: warnings and worse, and everything that `own_loggers` say.
    """
    if (path := os.environ.get(_FILE)) is None:
        return
    journal = Journal(Path(path), os.environ[_ARM])
    # Detecting what this machine is takes threads, and nobody asks.
    provider = TracerProvider(resource=Resource.get_empty())
    provider.add_span_processor(SpanRecorder(journal))
    telemetry.set_tracer_provider(provider)
    logging.getLogger().addHandler(LogRecorder(journal, frozenset(own_loggers)))


class Journal:
    """A job's part of agent-events.jsonl; a line is one write, so a job that is killed leaves whole lines.

    The file is shared by all job processes of all arms. A process holds one job, so what it says belongs to
    the room of that job, known from its first span on.
    """

    def __init__(self, path: Path, arm: str) -> None:
        """Append to `path`; raises OSError where that cannot be."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._arm = arm
        self.room: str | None = None

    def add(self, event: str, name: str, unix: float, **fields: object) -> None:
        """Append an event; a file that cannot be written is no reason to disturb a call."""
        line: dict[str, object] = {
            "unix": unix,
            "arm": self._arm,
            "room": self.room,
            "event": event,
            "name": name,
            "start_unix": None,
            "duration_s": None,
            "connected": None,
            "latencies_s": {},
            "level": None,
            "text": None,
        }
        with contextlib.suppress(OSError):
            os.write(self._descriptor, (json.dumps(line | fields) + "\n").encode())


class SpanRecorder(SpanProcessor):
    """Records `room_connect` and `job_entrypoint` when they start and when they end.

    A job that is killed while a filter holds it never ends its spans, so that the start alone says where it
    was.
    """

    def __init__(self, journal: Journal) -> None:
        """Record into `journal`."""
        self._journal = journal

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Take the start of a span; the job's own one names the room."""
        if span.name not in _SPANS:
            return
        room = (span.attributes or {}).get(_ROOM)
        self._journal.room = room if isinstance(room, str) else self._journal.room
        start_unix = _unix(span.start_time)
        self._journal.add("span_started", span.name, start_unix, start_unix=start_unix)

    def on_end(self, span: ReadableSpan) -> None:
        """Take the end of a span; one of a connect that was given up ends too, but is not `connected`."""
        if span.name not in _SPANS:
            return
        attributes = span.attributes or {}
        start_unix, end_unix = _unix(span.start_time), _unix(span.end_time)
        self._journal.add(
            "span_ended",
            span.name,
            end_unix,
            start_unix=start_unix,
            duration_s=end_unix - start_unix,
            connected=_SET_WHEN_CONNECTED in attributes if span.name == _CONNECT else None,
            latencies_s={
                found[1]: value for name, value in attributes.items() if (found := _LATENCY.fullmatch(name))
            },
        )


class LogRecorder(logging.Handler):
    """Records what a job logs, without the tokens it may mention."""

    def __init__(self, journal: Journal, own_loggers: frozenset[str]) -> None:
        """Record into `journal` warnings and worse of anybody, and all of `own_loggers`."""
        super().__init__(logging.INFO)
        self._journal = journal
        self.addFilter(lambda said: said.levelno >= logging.WARNING or said.name in own_loggers)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line of the log."""
        text = _TOKEN.sub("<token>", record.getMessage())
        self._journal.add("log", record.name, record.created, level=record.levelname.lower(), text=text)


def _unix(nanoseconds: int | None) -> float:
    return (nanoseconds or 0) / 1e9
