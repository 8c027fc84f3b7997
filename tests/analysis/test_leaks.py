"""What is still in rooms after the last call."""

from analysis.leaks import Left, in_all, left_behind
from analysis.room_events import RoomEvent, room_events

CALL = (
    ("participant_joined", "sip", 1.0),
    ("participant_joined", "agent", 2.0),
    ("participant_left", "sip", 9.0),
    ("participant_left", "agent", 9.5),
    ("room_finished", None, 12.0),
)


def _events(*without: str, room: str = "r", last: float = 100.0) -> list[RoomEvent]:
    told = [
        RoomEvent(room, event, at, kind=kind)
        for event, kind, at in CALL
        if event not in without and f"{kind} {event}" not in without
    ]
    return [*told, RoomEvent("later", "participant_joined", last, kind="sip")]


def _left(*without: str, last: float = 100.0) -> Left:
    return left_behind(room_events([_events(*without, last=last)]))


def test_a_call_whose_room_closed_leaves_nothing() -> None:
    """Only the caller of the last room of all is still there."""
    assert _left() == Left(rooms=2, rooms_open=0, agents=0, callers=1)


def test_an_agent_that_stays_is_counted() -> None:
    """Its room does not close either."""
    left = _left("agent participant_left", "room_finished")
    assert (left.agents, left.rooms_open) == (1, 1)


def test_whoever_is_in_a_room_that_closed_has_gone() -> None:
    """The word of a leaving may be lost; a closed room holds nobody."""
    assert _left("agent participant_left").agents == 0


def test_a_room_may_take_its_time_to_close() -> None:
    """Thirty seconds after its last event it is not yet counted as open."""
    assert _left("room_finished", last=30.0).rooms_open == 0
    assert _left("room_finished", last=40.0).rooms_open == 1


def test_several_runs_leave_what_each_left() -> None:
    """Where one of them did not look, nothing is known of all."""
    left = Left(2, 0, 1, 0)
    assert in_all([left, left]) == Left(4, 0, 2, 0)
    assert in_all([left, None]) is None
    assert not left.nothing
