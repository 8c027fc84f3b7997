"""What the lab's agents say of themselves: when each began to connect, and when the connect callback came."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

import pandas as pd

COLUMNS = (
    "connect_began_unix",
    "connected_unix",
    "room_connect_s",
    "job_dispatch_s",
    "filter_given_up",
    "warned_not_connected",
)
# The words of livekit 1.1.21's FFI and of livekit-agents 1.8.9.
_FILTER_GIVEN_UP = "audio filter disabled, continuing without it"
_NOT_CONNECTED = "The room connection was not established within 10 seconds"


@dataclass(slots=True)
class _Job:
    """One room's job, its fields in the order of `COLUMNS`; filled event by event."""

    connect_began_unix: float | None = None
    connected_unix: float | None = None
    room_connect_s: float | None = None
    job_dispatch_s: float | None = None
    filter_given_up: bool = False
    warned_not_connected: bool = False

    def take(self, event: Mapping[str, object], offset_s: float) -> None:
        name, start_unix, duration_s = event.get("name"), event.get("start_unix"), event.get("duration_s")
        latencies_s, text = event.get("latencies_s"), event.get("text")
        if isinstance(text, str):
            self.filter_given_up |= _FILTER_GIVEN_UP in text
            self.warned_not_connected |= text.startswith(_NOT_CONNECTED)
        elif name == "room_connect" and isinstance(start_unix, int | float) and self.room_connect_s is None:
            self.connect_began_unix = start_unix - offset_s
            if event.get("connected") and isinstance(duration_s, int | float):
                self.room_connect_s = duration_s
                self.connected_unix = self.connect_began_unix + duration_s
        elif name == "job_entrypoint" and isinstance(latencies_s, Mapping):
            self.job_dispatch_s = latencies_s.get("dispatch", self.job_dispatch_s)


def agent_table(events: Iterable[Mapping[str, object]], *, offset_s: float = 0.0) -> pd.DataFrame:
    """One row a room whose agent was heard of, by `room`.

    Args:
        events: lines of agent-events.jsonl.
        offset_s: the lab's wall clock minus the master's, as for the room's side, which the lab's is.
    """
    jobs: dict[str, _Job] = {}
    for event in events:
        room = event.get("room")
        if isinstance(room, str):
            jobs.setdefault(room, _Job()).take(event, offset_s)
    rows = [(room, *astuple(job)) for room, job in jobs.items()]
    table = pd.DataFrame.from_records(rows, columns=["room", *COLUMNS])
    return table.astype({"room": object} | dict.fromkeys(COLUMNS[:4], "float64"))
