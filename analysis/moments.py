"""When each room event happened: at once as a webhook, between two looks where rooms were asked for."""

import numpy as np
import pandas as pd

from analysis.room_events import RoomEvents, Step

_JOININGS = (Step.CALLER_JOINED, Step.AGENT_JOINED, Step.SOMEBODY_JOINED)


def moments(events: RoomEvents, *, offset_s: float = 0.0) -> pd.DataFrame:
    """Each event's times by the master's wall clock; `offset_s` is the observer's minus the master's.

    It happened within `error_s` of `unix`, and by `by_unix`. `joined_unix` and `stamped_unix` are LiveKit's
    own stamps, of the participant's joining and of the event. What was asked for is put half-way between the
    look that did not show it and the one that did, and never before its participant joined. `room` and `step`
    are those of the events.
    """
    table = events.table
    received, since, joined, stamped = (
        table[name].to_numpy() for name in ("received_unix", "since_unix", "joined_unix", "event_unix")
    )
    begun = _begun(events)
    asked = np.isfinite(begun)
    if asked.any():
        livekit_offset_s, _ = _offset(table, begun)
        within = np.minimum(np.maximum(joined - livekit_offset_s, begun), received)
        joined = np.where(asked, within, joined)
        stamped = np.where(asked, stamped - livekit_offset_s, stamped)
    unix = np.where(np.isnan(since), received, np.fmax((since + received) / 2, joined))
    return pd.DataFrame(
        {
            "room": table["room"],
            "step": table["step"],
            "unix": unix - offset_s,
            "error_s": received - unix,
            "by_unix": received - offset_s,
            "joined_unix": joined - offset_s,
            "stamped_unix": stamped - offset_s,
        }
    )


def deployment_offset(events: RoomEvents) -> tuple[float, float]:
    """LiveKit's clock minus that of an observer who asked, and how far off that may be, in seconds.

    A participant joined, by LiveKit's stamp, after the last look that did not list its room and before the
    look that showed it active: each bounds the offset, and together they narrow it down (K. Marzullo,
    Maintaining the time in a distributed system, 1984). Servers whose clocks differ leave no common bound:
    then it is the median of what each says. The error is infinite where there is nothing to go by.
    """
    return _offset(events.table, _begun(events))


def _offset(table: pd.DataFrame, begun: np.ndarray) -> tuple[float, float]:
    joined = table["joined_unix"].to_numpy()
    tells = table["step"].isin(_JOININGS).to_numpy() & np.isfinite(joined) & np.isfinite(begun)
    if not tells.any():
        return 0.0, np.inf
    lows = (joined - table["received_unix"].to_numpy())[tells]
    highs = (joined - begun)[tells]
    low, high = float(lows.max()), float(highs.min())
    if low > high:
        return float(np.median((lows + highs) / 2)), float(np.median(highs - lows))
    return (low + high) / 2, (high - low) / 2


def _begun(events: RoomEvents) -> np.ndarray:
    """The last look that did not list the event's room; infinite where it was not found by asking."""
    since, room = events.table["since_unix"].to_numpy(), events.table["room"].to_numpy()
    asked = ~np.isnan(since)
    begun = np.full(len(events.rooms), np.inf)
    np.minimum.at(begun, room[asked], since[asked])
    of_events: np.ndarray = begun[room]
    return of_events
