"""Facts about what a job of the agent writes down of itself."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from lab.agent_events import Journal, LogRecorder, SpanRecorder, record
from tests.locust_command import lines, schema

ROOM = {"lk.pii.room_name": "room-1"}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of arm `new`."""
    return Journal(tmp_path / "agent-events.jsonl", "new")


@pytest.fixture
def tracer(journal: Journal) -> Iterator[Tracer]:
    """A tracer of the SDK whose spans go into the journal."""
    provider = TracerProvider()
    provider.add_span_processor(SpanRecorder(journal))
    yield provider.get_tracer("tests")
    provider.shutdown()


@pytest.fixture
def log(journal: Journal) -> Iterator[logging.Logger]:
    """A logger whose handler is the journal's; `own` speaks below it."""
    logger = logging.getLogger("tests.agent_events")
    handler = LogRecorder(journal, frozenset({"tests.agent_events.own"}))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield logger
    logger.removeHandler(handler)


def written(tmp_path: Path) -> list[dict[str, Any]]:
    """The lines of the file, each as the schema has it."""
    found = lines(tmp_path / "agent-events.jsonl")
    for line in found:
        jsonschema.validate(line, schema("agent-events"))
    return found


def test_a_span_is_written_when_it_starts_and_again_when_it_ends(tracer: Tracer, tmp_path: Path) -> None:
    """Start and duration are those of the span, the room is the job's."""
    span = tracer.start_span("room_connect", start_time=100_000_000_000, attributes=ROOM)
    (started,) = written(tmp_path)
    span.set_attribute("lk.room.remote_participant_count", 1)
    span.end(end_time=105_200_000_000)
    ended = written(tmp_path)[-1]

    assert (started["event"], started["start_unix"], started["duration_s"]) == ("span_started", 100.0, None)
    assert (ended["event"], ended["unix"], ended["start_unix"]) == ("span_ended", 105.2, 100.0)
    assert ended["duration_s"] == pytest.approx(5.2)
    assert (ended["arm"], ended["room"], ended["connected"]) == ("new", "room-1", True)


def test_a_connect_that_was_given_up_ends_without_being_connected(tracer: Tracer, tmp_path: Path) -> None:
    """The framework cancels the wait some time after the caller has left, which ends the span like any."""
    tracer.start_span("room_connect", attributes=ROOM).end()

    assert written(tmp_path)[-1]["connected"] is False


def test_a_jobs_span_carries_its_latencies_and_nothing_else_of_its_attributes(
    tracer: Tracer, tmp_path: Path
) -> None:
    """Ids, names and whatever the caller said stay out of the file."""
    span = tracer.start_span("job_entrypoint", attributes=ROOM)
    span.set_attribute("lk.job.dispatch_latency", 0.25)
    span.set_attribute("lk.job.accept_latency", 0.125)
    span.set_attribute("lk.job.worker_id", "AW_secret")
    span.end()

    assert written(tmp_path)[-1]["latencies_s"] == {"dispatch": 0.25, "accept": 0.125}
    assert "AW_secret" not in (tmp_path / "agent-events.jsonl").read_text()


def test_other_spans_are_no_business_of_the_file(tracer: Tracer, tmp_path: Path) -> None:
    """What is measured is the connecting."""
    tracer.start_span("job_shutdown").end()

    assert written(tmp_path) == []


def test_what_a_job_warns_of_belongs_to_its_room(tracer: Tracer, log: logging.Logger, tmp_path: Path) -> None:
    """A process holds one job: the room of its first span is that of all it says."""
    log.warning("too early for a room")
    tracer.start_span("job_entrypoint", attributes=ROOM)
    log.warning("event loop blocked for %d ms", 100)
    early, _, warning = written(tmp_path)

    assert early["room"] is None
    assert (warning["room"], warning["level"]) == ("room-1", "warning")
    assert warning["text"] == "event loop blocked for 100 ms"


def test_of_the_log_only_warnings_and_the_agents_own_words_are_kept(
    log: logging.Logger, tmp_path: Path
) -> None:
    """The framework's small talk stays in the log."""
    log.info("connecting")
    log.getChild("own").info("connected in 0.2 s")
    log.error("audio filter disabled")

    assert [line["text"] for line in written(tmp_path)] == ["connected in 0.2 s", "audio filter disabled"]


def test_a_token_in_the_log_is_not_written(log: logging.Logger, tmp_path: Path) -> None:
    """Whoever reads the run's folder must not be able to join its rooms."""
    log.warning("connect failed: ws://127.0.0.1/rtc?access_token=eyJhbGciOi.eyJ2aWRlbyI.c2ln-_x&sdk=rust")

    assert written(tmp_path)[0]["text"].endswith("access_token=<token>&sdk=rust")


def test_a_file_that_cannot_be_written_disturbs_no_call(
    journal: Journal, tracer: Tracer, tmp_path: Path
) -> None:
    """A full disk costs the line, not the call."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._descriptor)
    os.close(full)

    tracer.start_span("room_connect", attributes=ROOM).end()

    assert written(tmp_path) == []


def test_an_agent_outside_of_a_lab_records_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file in its environment its log and its tracer are left as they are."""
    monkeypatch.delenv("RINGTIME_AGENT_EVENTS", raising=False)
    before = list(logging.getLogger().handlers)

    record("lab.agent")

    assert logging.getLogger().handlers == before
