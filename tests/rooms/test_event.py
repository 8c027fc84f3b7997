"""Facts about the lines of room-events.jsonl."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest
from livekit.protocol import models

from rooms.event import RoomEvent, room_event
from tests.locust_command import schema
from tests.rooms.webhooks import AGENT, CALLER, event

SCHEMA = schema("room-events")
WEBHOOKS = [name for name in SCHEMA["properties"]["event"]["enum"] if name != "job_started"]


def test_a_callers_arrival_carries_the_call_and_its_attributes() -> None:
    """The call id is the INVITE's test id; attributes that are not SIP's stay out."""
    record = room_event(
        event("participant_joined", participant=CALLER), 1_700_000_001.5, kind="sip", source="webhook"
    )

    assert record == RoomEvent(
        received_unix=1_700_000_001.5,
        source="webhook",
        event="participant_joined",
        room="room-1",
        event_unix=1_700_000_001.0,
        call_id="call-7",
        identity="sip_4711",
        kind="sip",
        joined_unix=1_700_000_000.25,
        attributes={"sip.callID": "SCL_abc", "lktest.id": "call-7"},
    )


def test_a_departure_carries_its_reason() -> None:
    """The reason is LiveKit's own word for it."""
    gone = models.ParticipantInfo(identity="a", disconnect_reason=models.DisconnectReason.CONNECTION_TIMEOUT)

    record = room_event(event("participant_left", participant=gone), 0.0, kind=None, source="webhook")

    assert record is not None
    assert record.disconnect_reason == "CONNECTION_TIMEOUT"


def test_an_event_that_is_no_part_of_a_call_is_left_out() -> None:
    """Egress, ingress and whatever LiveKit will think of next are not for this file."""
    assert room_event(event("egress_started"), 0.0, kind=None, source="webhook") is None


@pytest.mark.parametrize("name", WEBHOOKS)
@pytest.mark.parametrize("participant", [None, CALLER, AGENT])
def test_every_record_fits_the_schema(name: str, participant: models.ParticipantInfo | None) -> None:
    """Whatever the webhook holds."""
    track = models.TrackInfo(type=models.TrackType.AUDIO) if name.startswith("track") else None
    record = room_event(event(name, participant=participant, track=track), 1.0, kind="agent", source="poll")

    assert record is not None
    jsonschema.validate(asdict(record), SCHEMA)


def test_a_line_is_written_whole_and_fits_the_schema(tmp_path: Path) -> None:
    """One write a line, so that a writer that is killed leaves whole ones."""
    out = tmp_path / "room-events.jsonl"
    descriptor = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    line = RoomEvent(received_unix=2.0, since_unix=1.5, source="poll", event="job_started", room="r")
    line.append_to(descriptor)
    line.append_to(descriptor)
    os.close(descriptor)

    first, second = (json.loads(text) for text in out.read_text().splitlines())

    assert first == second == asdict(line)
    jsonschema.validate(first, SCHEMA)
