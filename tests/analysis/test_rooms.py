"""Room events, in any order and from either source, to one row a call."""

from collections.abc import Sequence

import pandas as pd
import pytest
from msgspec.structs import replace

from analysis.room_events import RoomEvent, room_events
from analysis.rooms import room_table


def _event(event: str, kind: str, received_unix: float, **times: float) -> RoomEvent:
    return RoomEvent(
        room="r1", event=event, kind=kind, received_unix=received_unix,
        call_id="c1" if kind == "sip" else None,
        track="audio" if event == "track_published" else None, **times,
    )  # fmt: skip


def _table(events: Sequence[RoomEvent]) -> pd.DataFrame:
    return room_table(room_events([events]))


EVENTS = [
    _event("participant_joined", "sip", 100.01, joined_unix=100.0),
    _event("track_published", "sip", 100.05, joined_unix=100.0),
    _event("participant_joined", "agent", 100.5, joined_unix=100.3),
    _event("track_published", "agent", 100.9, joined_unix=100.3),
    _event("participant_left", "agent", 110.0, joined_unix=100.3),
]


@pytest.mark.parametrize("events", [EVENTS, EVENTS[::-1]])
def test_each_step_is_taken_from_its_event_in_any_order(events: list[RoomEvent]) -> None:
    """Joined by the server's stamp, active by the webhook, published by the agent's own audio track."""
    row = _table(events).iloc[0]
    assert (row["call_id"], row["room"]) == ("c1", "r1")
    assert (row["sip_joined_unix"], row["agent_joined_unix"]) == (100.0, 100.3)
    assert (row["agent_active_unix"], row["agent_published_unix"], row["agent_left_unix"]) == (
        100.5,
        100.9,
        110.0,
    )


def test_a_job_is_started_by_livekits_stamp() -> None:
    """It is looked up long after it began."""
    started = _event("job_started", "agent", 106.5, event_unix=100.2)

    assert _table([*EVENTS[:1], started])["job_started_unix"].iloc[0] == 100.2


def test_what_was_asked_for_has_its_error() -> None:
    """Told events have none."""
    asked = [replace(event, since_unix=event.received_unix - 0.5) for event in EVENTS]

    assert _table(EVENTS)["room_error_s"].iloc[0] == 0
    assert _table(asked)["room_error_s"].iloc[0] == pytest.approx(0.25)


def test_the_callers_track_is_not_the_agents() -> None:
    """Before the agent publishes there is no publish time, whatever the caller does."""
    assert _table(EVENTS[:3])["agent_published_unix"].isna().all()


def test_a_room_that_names_no_call_is_nobodys() -> None:
    """Rooms of other traffic on the deployment are left out."""
    assert _table([_event("participant_joined", "standard", 100.0)]).empty


def test_the_first_time_of_each_step_counts() -> None:
    """A caller who is followed by another agent, or publishes again, began to hear the first."""
    again = [replace(event, received_unix=event.received_unix + 60) for event in EVENTS[1:]]
    assert _table([*again, *EVENTS]).equals(_table(EVENTS))


def test_calls_are_the_same_in_however_many_pieces_their_events_are_read() -> None:
    """Rooms keep the order in which they were met, and the first of two that name one call is its own."""
    other = [replace(event, room="r2", received_unix=event.received_unix + 5) for event in EVENTS]
    third = [replace(event, room="r3", call_id=event.call_id and "c3") for event in EVENTS]
    events = [*EVENTS, *other, *third]
    table = room_table(room_events([event] for event in events))
    assert table[["call_id", "room"]].to_numpy().tolist() == [["c1", "r1"], ["c3", "r3"]]
    assert table.equals(_table(events))


def test_no_events_give_an_empty_table_with_all_columns() -> None:
    """A run without an observer joins to nothing instead of failing."""
    assert list(_table([]).columns)[:2] == ["call_id", "room"]
