"""Lines of room-events.jsonl as columns: of each room what a call's times are read from, and no more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import cache
from itertools import compress
from operator import attrgetter

import msgspec
import numpy as np
import pandas as pd

from analysis.columns import Places, floats


class RoomEvent(msgspec.Struct, gc=False):
    """A line (schemas/room-events.json), as far as it is read; `since_unix` is None for a webhook."""

    room: str
    event: str
    received_unix: float
    kind: str | None = None
    track: str | None = None
    call_id: str | None = None
    since_unix: float | None = None
    joined_unix: float | None = None
    event_unix: float | None = None


ROOM_EVENT = msgspec.json.Decoder(RoomEvent)


class Step(IntEnum):
    """What an event is of a call."""

    NONE = auto()
    SOMEBODY_JOINED = auto()
    CALLER_JOINED = auto()
    JOB_STARTED = auto()
    AGENT_JOINED = auto()
    AGENT_PUBLISHED = auto()
    AGENT_LEFT = auto()
    AGENT_ELSE = auto()
    """Anything else of an agent; it tells when that joined."""
    CALLER_LEFT = auto()
    ROOM_FINISHED = auto()


@dataclass(frozen=True, slots=True)
class RoomEvents:
    """What was seen of rooms.

    `rooms` are in the order in which they were met, `call_ids` those of the rooms, by place, whose caller
    bore one. `table` has one row an event that matters, in the order of the file: `room` (its place), `step`,
    `received_unix`, `since_unix`, `joined_unix`, `event_unix`.
    """

    rooms: Sequence[str]
    call_ids: dict[int, str]
    table: pd.DataFrame


_TIMES = ("received_unix", "since_unix", "joined_unix", "event_unix")


def room_events(batches: Iterable[Sequence[RoomEvent]]) -> RoomEvents:
    """Read events in any order; no more than one batch is held as records at a time."""
    rooms = Places()
    call_ids: dict[int, str] = {}
    tables = [_table(batch, rooms, call_ids) for batch in batches]
    table = pd.concat(tables or [_table([], rooms, call_ids)], ignore_index=True)
    return RoomEvents(list(rooms), call_ids, table)


def _table(events: Sequence[RoomEvent], rooms: Places, call_ids: dict[int, str]) -> pd.DataFrame:
    places = rooms.of(map(attrgetter("room"), events))
    for place, event in zip(places, events, strict=True):
        if event.call_id and event.kind == "sip":
            call_ids.setdefault(place, event.call_id)
    steps = [_step(event.kind, event.event, event.track) for event in events]
    # Whatever was asked for tells when its room was not there yet.
    nothing = Step.NONE
    matters = [
        step is not nothing or event.since_unix is not None for step, event in zip(steps, events, strict=True)
    ]
    return floats(compress(events, matters), _TIMES).assign(
        room=np.fromiter(compress(places, matters), dtype="int32"),
        step=np.fromiter(compress(steps, matters), dtype="int8"),
    )


@cache
def _step(kind: str | None, event: str, track: str | None) -> Step:
    match kind, event:
        case "sip", "participant_joined":
            return Step.CALLER_JOINED
        case "sip", "participant_left" | "participant_connection_aborted":
            return Step.CALLER_LEFT
        case "agent", "job_started":
            return Step.JOB_STARTED
        case "agent", "participant_joined":
            return Step.AGENT_JOINED
        case "agent", "track_published" if track == "audio":
            return Step.AGENT_PUBLISHED
        case "agent", "participant_left" | "participant_connection_aborted":
            return Step.AGENT_LEFT
        case "agent", _:
            return Step.AGENT_ELSE
        case _, "participant_joined":
            return Step.SOMEBODY_JOINED
        case _, "room_finished":
            return Step.ROOM_FINISHED
    return Step.NONE
