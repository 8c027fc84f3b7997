"""What the room saw of each call: caller and agent joining, the agent being active, publishing, leaving."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.moments import Moment, moments

COLUMNS = (
    "call_id",
    "room",
    "sip_joined_unix",
    "job_started_unix",
    "agent_joined_unix",
    "agent_active_unix",
    "agent_published_unix",
    "agent_left_unix",
    "room_error_s",
)


@dataclass(slots=True)
class _Room:
    """The first time of each step in one room; filled event by event."""

    call_id: str | None = None
    sip_joined_unix: float = math.inf
    job_started_unix: float = math.inf
    agent_joined_unix: float = math.inf
    agent_active_unix: float = math.inf
    agent_published_unix: float = math.inf
    agent_left_unix: float = math.inf
    room_error_s: float = 0.0

    def take(self, moment: Moment) -> None:
        match moment.kind:
            case "sip":
                self.call_id = self.call_id or moment.call_id
                if moment.name == "participant_joined":
                    self.sip_joined_unix = min(self.sip_joined_unix, moment.joined_unix or moment.unix)
            case "agent":
                self._take_agent(moment)

    def _take_agent(self, moment: Moment) -> None:
        # The server stamps the join; the webhook `participant_joined` comes when it is ACTIVE.
        if moment.joined_unix is not None:
            self.agent_joined_unix = min(self.agent_joined_unix, moment.joined_unix)
        match moment.name:
            case "job_started":
                self.job_started_unix = min(self.job_started_unix, moment.stamped_unix or moment.unix)
            case "participant_joined":
                self.agent_joined_unix = min(self.agent_joined_unix, moment.unix)
                self.agent_active_unix = min(self.agent_active_unix, moment.unix)
            case "track_published" if moment.track == "audio" and moment.unix < self.agent_published_unix:
                self.agent_published_unix, self.room_error_s = moment.unix, moment.error_s
            case "participant_left" | "participant_connection_aborted":
                # As late as it may be: no agent shall seem to have left a caller whom it followed.
                self.agent_left_unix = min(self.agent_left_unix, moment.by_unix)


def room_table(events: Iterable[Mapping[str, object]], *, offset_s: float = 0.0) -> pd.DataFrame:
    """One row a call that a room was seen for, by `call_id` (the participant attribute `lktest.id`).

    `room_error_s` is how far off the agent's publishing may be.

    Args:
        events: lines of room-events.jsonl, in any order.
        offset_s: the observer's wall clock minus the master's; taken off, so that all columns are the
            master's.
    """
    rooms: dict[str, _Room] = {}
    for moment in moments(events, offset_s=offset_s):
        rooms.setdefault(moment.room, _Room()).take(moment)
    rows = [
        (room.call_id, name, *(getattr(room, column) for column in COLUMNS[2:]))
        for name, room in rooms.items()
        if room.call_id is not None
    ]
    table = pd.DataFrame.from_records(rows, columns=list(COLUMNS))
    times = list(COLUMNS[2:])
    table[times] = table[times].astype("float64").replace(math.inf, math.nan)
    table[["call_id", "room"]] = table[["call_id", "room"]].astype(object)
    return table.drop_duplicates("call_id")
