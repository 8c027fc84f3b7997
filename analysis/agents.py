"""What the lab's agents say of themselves: when each began to connect, and when the connect callback came."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import pandas as pd

# The words of livekit 1.1.21's FFI and of livekit-agents 1.8.9.
_FILTER_GIVEN_UP = "audio filter disabled, continuing without it"
_NOT_CONNECTED = "The room connection was not established within 10 seconds"


class Latencies(msgspec.Struct, frozen=True):
    """The job's way from its offer to its entry, where a span tells it."""

    dispatch: float | None = None


class AgentEvent(msgspec.Struct, gc=False):
    """A line of agent-events.jsonl (schemas/agent-events.json), as far as it is read."""

    name: str
    room: str | None = None
    start_unix: float | None = None
    duration_s: float | None = None
    connected: bool | None = None
    latencies_s: Latencies = Latencies()
    text: str | None = None


AGENT_EVENT = msgspec.json.Decoder(AgentEvent)


def agent_table(events: Iterable[AgentEvent], *, offset_s: float = 0.0) -> pd.DataFrame:
    """One row a room whose agent was heard of, by `room`.

    Args:
        events: of agent-events.jsonl.
        offset_s: the lab's wall clock minus the master's, as for the room's side, which the lab's is.
    """
    rooms: dict[str, str] = {}
    began: dict[str, float] = {}
    lasted: dict[str, float] = {}
    dispatched: dict[str, float] = {}
    given_up: set[str] = set()
    warned: set[str] = set()
    for event in events:
        if event.room is None:
            continue
        room = rooms.setdefault(event.room, event.room)
        if event.text is not None:
            if _FILTER_GIVEN_UP in event.text:
                given_up.add(room)
            if event.text.startswith(_NOT_CONNECTED):
                warned.add(room)
        elif event.name == "room_connect" and event.start_unix is not None and room not in lasted:
            began[room] = event.start_unix
            if event.connected and event.duration_s is not None:
                lasted[room] = event.duration_s
        elif event.name == "job_entrypoint" and event.latencies_s.dispatch is not None:
            dispatched[room] = event.latencies_s.dispatch
    table = pd.DataFrame({"room": list(rooms)}, dtype=object)
    table["connect_began_unix"] = _numbers(began, rooms) - offset_s
    lasted_s = _numbers(lasted, rooms)
    table["connected_unix"] = table["connect_began_unix"] + lasted_s
    table["room_connect_s"] = lasted_s
    table["job_dispatch_s"] = _numbers(dispatched, rooms)
    table["filter_given_up"] = np.array([room in given_up for room in rooms], dtype=bool)
    table["warned_not_connected"] = np.array([room in warned for room in rooms], dtype=bool)
    return table


def _numbers(by_room: Mapping[str, float], rooms: Iterable[str]) -> np.ndarray:
    return np.array([by_room.get(room) for room in rooms], dtype="float64")
