"""What a run left in LiveKit's rooms after its last call: agents, callers, and rooms that did not close."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.room_events import RoomEvents, Step

# An empty room is kept open for its departure timeout, 20 s unless it was made with another.
LINGERS_S = 30.0


@dataclass(frozen=True, slots=True)
class Left:
    """Rooms that were seen, and how many of them held what should have gone by the last event of all.

    `rooms_open` counts rooms that had been quiet for more than 30 s by then and were not closed.
    """

    rooms: int
    rooms_open: int
    agents: int
    callers: int

    @property
    def nothing(self) -> bool:
        """Whether all had gone."""
        return not (self.rooms_open or self.agents or self.callers)


def in_all(runs: Sequence[Left | None]) -> Left | None:
    """What several runs left; None where one of them did not look."""
    known = [left for left in runs if left is not None]
    if len(known) < len(runs):
        return None
    return Left(
        rooms=sum(left.rooms for left in known),
        rooms_open=sum(left.rooms_open for left in known),
        agents=sum(left.agents for left in known),
        callers=sum(left.callers for left in known),
    )


def left_behind(events: RoomEvents) -> Left:
    """Who joined a room and was never seen leaving, and which rooms outlived all that happened in them."""
    table = events.table
    seen = {step: set(table.loc[table["step"] == step, "room"]) for step in Step}
    finished = seen[Step.ROOM_FINISHED]
    last: pd.Series = table.groupby("room")["received_unix"].max()
    quiet = set(last.index[last < table["received_unix"].max() - LINGERS_S])
    return Left(
        rooms=int(table["room"].nunique()),
        rooms_open=len(quiet - finished),
        agents=len(seen[Step.AGENT_JOINED] - seen[Step.AGENT_LEFT] - finished),
        callers=len(seen[Step.CALLER_JOINED] - seen[Step.CALLER_LEFT] - finished),
    )
