"""When each room event happened: at once as a webhook, between two looks where rooms were asked for."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of room-events.jsonl, its times the master's wall clock.

    It happened within `error_s` of `unix`, and by `by_unix`. `joined_unix` and `stamped_unix` are LiveKit's
    own stamps, of the participant's joining and of the event.
    """

    room: str
    name: str
    kind: str | None
    track: str | None
    call_id: str | None
    unix: float
    error_s: float
    by_unix: float
    joined_unix: float | None
    stamped_unix: float | None


@dataclass(frozen=True, slots=True)
class _Line:
    """What this module reads of a line; `since_unix` is None for a webhook."""

    room: str
    name: str
    kind: str | None
    track: str | None
    call_id: str | None
    received_unix: float
    since_unix: float | None
    joined_unix: float | None
    stamped_unix: float | None


def moments(events: Iterable[Mapping[str, object]], *, offset_s: float = 0.0) -> Iterator[Moment]:
    """Each readable event; `offset_s` is the observer's clock minus the master's.

    What was asked for is put half-way between the look that did not show it and the one that did, and never
    before its participant joined.
    """
    lines = [line for line in map(_line, events) if line is not None]
    begun = _beginnings(lines)
    livekit_offset_s = _offset(lines, begun)[0] if begun else 0.0
    for line in lines:
        joined, stamped, received = line.joined_unix, line.stamped_unix, line.received_unix
        if line.room in begun:
            if joined is not None:
                joined = min(max(joined - livekit_offset_s, begun[line.room]), received)
            if stamped is not None:
                stamped -= livekit_offset_s
        unix = received
        if line.since_unix is not None:
            unix = max((line.since_unix + received) / 2, joined or -math.inf)
        yield Moment(
            room=line.room,
            name=line.name,
            kind=line.kind,
            track=line.track,
            call_id=line.call_id,
            unix=unix - offset_s,
            error_s=received - unix,
            by_unix=received - offset_s,
            joined_unix=None if joined is None else joined - offset_s,
            stamped_unix=None if stamped is None else stamped - offset_s,
        )


def deployment_offset(events: Iterable[Mapping[str, object]]) -> tuple[float, float]:
    """LiveKit's clock minus that of an observer who asked, and how far off that may be, in seconds.

    A participant joined, by LiveKit's stamp, after the last look that did not list its room and before the
    look that showed it active: each bounds the offset, and together they narrow it down (K. Marzullo,
    Maintaining the time in a distributed system, 1984). Servers whose clocks differ leave no common bound:
    then it is the median of what each says. The error is infinite where there is nothing to go by.
    """
    lines = [line for line in map(_line, events) if line is not None]
    return _offset(lines, _beginnings(lines))


def _offset(lines: Sequence[_Line], begun: Mapping[str, float]) -> tuple[float, float]:
    bounds = [
        (line.joined_unix - line.received_unix, line.joined_unix - begun[line.room])
        for line in lines
        if line.name == "participant_joined" and line.joined_unix is not None and line.room in begun
    ]
    if not bounds:
        return 0.0, math.inf
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    if low > high:
        return median((low + high) / 2 for low, high in bounds), median(high - low for low, high in bounds)
    return (low + high) / 2, (high - low) / 2


def _beginnings(lines: Iterable[_Line]) -> dict[str, float]:
    """The last look that did not list the room, for each that was found by asking."""
    begun: dict[str, float] = {}
    for line in lines:
        if line.since_unix is not None:
            begun[line.room] = min(line.since_unix, begun.get(line.room, math.inf))
    return begun


def _line(event: Mapping[str, object]) -> _Line | None:
    room, received = _text(event, "room"), _number(event, "received_unix")
    if room is None or received is None:
        return None
    return _Line(
        room=room,
        name=str(event.get("event")),
        kind=_text(event, "kind"),
        track=_text(event, "track"),
        call_id=_text(event, "call_id"),
        received_unix=received,
        since_unix=_number(event, "since_unix"),
        joined_unix=_number(event, "joined_unix"),
        stamped_unix=_number(event, "event_unix"),
    )


def _text(event: Mapping[str, object], name: str) -> str | None:
    value = event.get(name)
    return value if isinstance(value, str) else None


def _number(event: Mapping[str, object], name: str) -> float | None:
    value = event.get(name)
    return float(value) if isinstance(value, int | float) else None
