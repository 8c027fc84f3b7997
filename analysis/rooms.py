"""What the room saw of each call: caller and agent joining, the agent being active, publishing, leaving."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

COLUMNS = (
    "call_id",
    "room",
    "sip_joined_unix",
    "agent_joined_unix",
    "agent_active_unix",
    "agent_published_unix",
    "agent_left_unix",
)


@dataclass(slots=True)
class _Room:
    """The first time of each step in one room; filled event by event."""

    call_id: str | None = None
    sip_joined_unix: float = math.inf
    agent_joined_unix: float = math.inf
    agent_active_unix: float = math.inf
    agent_published_unix: float = math.inf
    agent_left_unix: float = math.inf

    def take(self, event: Mapping[str, object], received_unix: float, joined_unix: float | None) -> None:
        name, kind = event.get("event"), event.get("kind")
        call_id = event.get("call_id")
        if kind == "sip":
            if isinstance(call_id, str):
                self.call_id = self.call_id or call_id
            if name == "participant_joined":
                self.sip_joined_unix = min(self.sip_joined_unix, joined_unix or received_unix)
        elif kind == "agent":
            # The server stamps the join; the webhook `participant_joined` comes when it is ACTIVE.
            if joined_unix is not None:
                self.agent_joined_unix = min(self.agent_joined_unix, joined_unix)
            if name == "participant_joined":
                self.agent_joined_unix = min(self.agent_joined_unix, received_unix)
                self.agent_active_unix = min(self.agent_active_unix, received_unix)
            elif name == "track_published" and event.get("track") == "audio":
                self.agent_published_unix = min(self.agent_published_unix, received_unix)
            elif name in ("participant_left", "participant_connection_aborted"):
                self.agent_left_unix = min(self.agent_left_unix, received_unix)


def room_table(events: Iterable[Mapping[str, object]], *, offset_s: float = 0.0) -> pd.DataFrame:
    """One row a call that a room was seen for, by `call_id` (the participant attribute `lktest.id`).

    Args:
        events: lines of room-events.jsonl, in any order.
        offset_s: the observer's wall clock minus the master's; taken off, so that all columns are the
            master's.
    """
    rooms: dict[str, _Room] = {}
    for event in events:
        name, received, joined = event.get("room"), event.get("received_unix"), event.get("joined_unix")
        if not isinstance(name, str) or not isinstance(received, int | float):
            continue
        joined_unix = joined - offset_s if isinstance(joined, int | float) else None
        rooms.setdefault(name, _Room()).take(event, received - offset_s, joined_unix)
    rows = [
        (
            room.call_id,
            name,
            room.sip_joined_unix,
            room.agent_joined_unix,
            room.agent_active_unix,
            room.agent_published_unix,
            room.agent_left_unix,
        )
        for name, room in rooms.items()
        if room.call_id is not None
    ]
    table = pd.DataFrame.from_records(rows, columns=list(COLUMNS))
    times = list(COLUMNS[2:])
    table[times] = table[times].astype("float64").replace(math.inf, math.nan)
    table[["call_id", "room"]] = table[["call_id", "room"]].astype(object)
    return table.drop_duplicates("call_id")
