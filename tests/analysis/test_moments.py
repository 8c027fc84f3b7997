"""When it happened, told from looks that did not show it and looks that did."""

import random
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from analysis.moments import deployment_offset, moments
from analysis.room_events import RoomEvent, RoomEvents, room_events

AHEAD_S = 12.3  # LiveKit's clock, of the observer's


def looked_at(joined_unix: float, *, every_s: float, draw: random.Random, room: str) -> Iterator[RoomEvent]:
    """The events of a caller who joined a new room then, from looks of any phase."""
    since = joined_unix - draw.uniform(0, every_s)
    started = RoomEvent(room, "room_started", since + every_s, since_unix=since)
    yield started
    yield replace(started, event="participant_joined", kind="sip", joined_unix=joined_unix + AHEAD_S)


def read(events: Iterable[RoomEvent]) -> RoomEvents:
    """As the file of them is."""
    return room_events([list(events)])


def test_many_joinings_tell_the_deployments_clock() -> None:
    """Looks half a second apart, a hundred calls: the true offset lies within some ten milliseconds."""
    draw = random.Random(1)
    events = [
        event
        for call in range(100)
        for event in looked_at(1000.0 + 3 * call, every_s=0.5, draw=draw, room=f"r{call}")
    ]

    offset_s, error_s = deployment_offset(read(events))

    assert error_s < 0.02
    assert abs(offset_s - AHEAD_S) <= error_s


def test_servers_whose_clocks_differ_are_put_in_the_middle() -> None:
    """No offset fits both: the error says so."""
    draw = random.Random(1)
    events = [
        *looked_at(1000.0, every_s=0.5, draw=draw, room="a"),
        *looked_at(1010.0, every_s=0.5, draw=draw, room="b"),
    ]
    events[3] = replace(events[3], joined_unix=1010.0 + AHEAD_S + 4)

    offset_s, error_s = deployment_offset(read(events))

    assert AHEAD_S < offset_s < AHEAD_S + 4
    assert error_s >= 0.5


def test_nothing_to_go_by_bounds_nothing() -> None:
    """As in a run of webhooks alone."""
    webhook = RoomEvent("r", "participant_joined", 1.0, kind="sip", joined_unix=1.0)

    assert deployment_offset(read([webhook])) == (0.0, float("inf"))


def test_what_was_asked_for_lies_between_two_looks_and_what_was_told_does_not() -> None:
    """A webhook is exact, and its stamps are the observer's own clock."""
    published = RoomEvent("a", "track_published", 10.5, kind="agent", track="audio")
    asked, told = replace(published, since_unix=10.0), replace(published, room="b", joined_unix=9.0)

    polled, exact = moments(read([asked, told]), offset_s=1.0).itertuples()

    assert (polled.unix, polled.error_s, polled.by_unix) == (9.25, 0.25, 9.5)
    assert (exact.unix, exact.error_s, exact.joined_unix) == (9.5, 0.0, 8.0)


def test_a_joining_stays_between_the_looks_whatever_its_server_says() -> None:
    """One server of many may have a clock of its own."""
    draw = random.Random(2)
    events = [
        event
        for call in range(5)
        for event in looked_at(1000.0 + call, every_s=0.5, draw=draw, room=f"r{call}")
    ]
    events[-1] = replace(events[-1], joined_unix=5000.0)

    last = moments(read(events)).iloc[-1]

    assert last.joined_unix == last.by_unix
