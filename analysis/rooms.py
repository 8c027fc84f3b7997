"""What the room saw of each call: caller and agent joining, the agent being active, publishing, leaving."""

import numpy as np
import pandas as pd

from analysis.moments import moments
from analysis.room_events import RoomEvents, Step

_AGENTS = (Step.JOB_STARTED, Step.AGENT_JOINED, Step.AGENT_PUBLISHED, Step.AGENT_LEFT, Step.AGENT_ELSE)


def room_table(events: RoomEvents, *, offset_s: float = 0.0) -> pd.DataFrame:
    """One row a call that a room was seen for, by `call_id` (the participant attribute `lktest.id`).

    Each time is the first of its step in that room; `room_error_s` is how far off the agent's publishing may
    be.

    Args:
        events: of room-events.jsonl, in any order.
        offset_s: the observer's wall clock minus the master's; taken off, so that all columns are the
            master's.
    """
    seen = moments(events, offset_s=offset_s)
    steps = {step: seen[seen["step"] == step] for step in Step}
    agents = seen[seen["step"].isin(_AGENTS)]
    active = _first(steps[Step.AGENT_JOINED], "unix")
    published = steps[Step.AGENT_PUBLISHED].sort_values("unix", kind="stable").drop_duplicates("room")
    published = published.set_index("room")
    times = {
        "sip_joined_unix": _first(_stamped(steps[Step.CALLER_JOINED], "joined_unix"), "unix"),
        "job_started_unix": _first(_stamped(steps[Step.JOB_STARTED], "stamped_unix"), "unix"),
        # The server stamps the join; the webhook `participant_joined` comes when it is ACTIVE.
        "agent_joined_unix": pd.concat([_first(agents, "joined_unix"), active]).groupby(level=0).min(),
        "agent_active_unix": active,
        "agent_published_unix": published["unix"],
        # As late as it may be: no agent shall seem to have left a caller whom it followed.
        "agent_left_unix": _first(steps[Step.AGENT_LEFT], "by_unix"),
    }
    # In the order in which the rooms were met.
    places = pd.Index(sorted(events.call_ids), dtype="int32")
    names = {
        "call_id": [events.call_ids[place] for place in places],
        "room": [events.rooms[place] for place in places],
    }
    table = pd.DataFrame(names, index=places, dtype=object)
    for name, first in times.items():
        table[name] = first.reindex(places)
    table["room_error_s"] = published["error_s"].reindex(places).fillna(0.0)
    return table.drop_duplicates("call_id").reset_index(drop=True)


def _first(seen: pd.DataFrame, name: str) -> pd.Series:
    """The first time by room, where there is one."""
    return seen.groupby("room")[name].min()


def _stamped(seen: pd.DataFrame, name: str) -> pd.DataFrame:
    """With LiveKit's stamp in place of the time at which they were seen, where there is one."""
    return seen.assign(unix=np.where(seen[name].notna(), seen[name], seen["unix"]))
