"""Lines of room-events.jsonl: which of them matter, and to whom they belong."""

import pytest

from analysis.room_events import ROOM_EVENT, RoomEvent, Step, room_events


@pytest.mark.parametrize(
    ("kind", "event", "track", "step"),
    [
        ("sip", "participant_joined", None, Step.CALLER_JOINED),
        ("agent", "job_started", None, Step.JOB_STARTED),
        ("agent", "participant_joined", None, Step.AGENT_JOINED),
        ("agent", "track_published", "audio", Step.AGENT_PUBLISHED),
        ("agent", "track_published", "data", Step.AGENT_ELSE),
        ("agent", "participant_left", None, Step.AGENT_LEFT),
        ("agent", "participant_connection_aborted", None, Step.AGENT_LEFT),
        ("standard", "participant_joined", None, Step.SOMEBODY_JOINED),
        ("sip", "participant_left", None, Step.CALLER_LEFT),
        ("sip", "participant_connection_aborted", None, Step.CALLER_LEFT),
        (None, "room_finished", None, Step.ROOM_FINISHED),
    ],
)
def test_an_event_is_a_step_of_a_call(kind: str | None, event: str, track: str | None, step: Step) -> None:
    """By who did what; of tracks only the agent's voice counts as its publishing."""
    read = room_events([[RoomEvent("r", event, 1.0, kind=kind, track=track)]])
    assert read.table["step"].tolist() == [step]


def test_what_tells_nothing_of_a_call_takes_no_room() -> None:
    """A webhook of a room's beginning leaves the room's name; one that was asked for bounds its beginning."""
    told = RoomEvent("a", "room_started", 1.0)
    asked = RoomEvent("b", "room_started", 2.0, since_unix=1.5)
    read = room_events([[told], [asked]])
    assert list(read.rooms) == ["a", "b"]
    assert read.table[["room", "since_unix"]].to_numpy().tolist() == [[1, 1.5]]


def test_the_first_call_id_that_the_caller_bore_is_the_rooms() -> None:
    """An empty one is none, and an agent's is not the caller's."""
    agent = RoomEvent("r", "participant_joined", 1.0, kind="agent", call_id="x")
    callers = [
        RoomEvent("r", "participant_joined", 1.0, kind="sip", call_id=name) for name in ("", "c1", "c2")
    ]
    assert room_events([[agent, *callers]]).call_ids == {0: "c1"}


def test_a_line_of_the_file_is_read_with_what_is_not_looked_at() -> None:
    """Attributes and identities are passed over."""
    line = (
        b'{"room":"r","event":"room_started","received_unix":1,"source":"webhook","attributes":{"sip.a":"b"}}'
    )
    assert ROOM_EVENT.decode(line) == RoomEvent("r", "room_started", 1.0)
