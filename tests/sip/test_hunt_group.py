"""The lines of one profile: who takes the next call, when there should be more, whose addresses are whose."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sip.access import Address, Block
from sip.hunt_group import MOST_COMING, HuntGroup, Line, Worker
from sip.vital_signs import Sign

SLOTS = 4
GAP_S = 0.04


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    """A worker's socket, which nobody uses here."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as made:
        yield made


def group(connection: socket.socket, workers: int, **limits: int | None) -> HuntGroup:
    """A group with workers that are ready."""
    block = Block("clean", "198.18.64.1", limits.get("count"))
    found = HuntGroup(block, most=limits.get("most"), dial_gap_s=GAP_S)
    for _ in range(workers):
        worker = on_its_way(found, connection)
        found.be_ready(worker, pid=1, port=5060, slots=SLOTS)
        for number in range(SLOTS):
            found.give(worker, Line(number))
    return found


def on_its_way(group: HuntGroup, connection: socket.socket) -> Worker:
    """A worker that was asked for."""
    place = group.free_place(SLOTS)
    assert place is not None
    addresses = (Address("198.18.64.1"),)
    worker = Worker(f"worker-{place}", place, group, place, connection, Path("log"), addresses)
    group.add(worker)
    return worker


def test_a_call_goes_to_the_worker_that_ran_last(connection: socket.socket) -> None:
    """While it has a free line and has rested from its last dials."""
    one = group(connection, 3)
    first = one.take("a", 0.0)
    assert first is not None

    assert [one.take(call, 10.0) for call in "bcd"] == [first] * 3
    second = one.take("e", 20.0)
    assert second is not None
    one.give(first, one.end(first, "a"))

    assert second is not first
    assert one.take("f", 30.0) is first


def test_a_worker_without_a_free_line_takes_no_call(connection: socket.socket) -> None:
    """Until one of its calls has ended."""
    one = group(connection, 1)
    for call in "abcd":
        assert one.take(call, 0.0)
    assert one.take("e", 10.0) is None

    line = one.end(one.workers[0], "b")
    assert one.take("e", 10.0) is None
    one.give(one.workers[0], line)

    assert one.take("e", 10.0) is one.workers[0]
    assert one.workers[0].calls.keys() == {"a", "c", "d", "e"}
    assert one.workers[0].calls["e"] is line
    assert one.take("f", 20.0) is None


def test_lines_that_are_withdrawn_take_no_calls_until_they_are_given_again(
    connection: socket.socket,
) -> None:
    """Those with a call on them go on."""
    one = group(connection, 1)
    one.take("a", 0.0)

    lines = one.withdraw(one.workers[0])
    assert one.take("b", 10.0) is None
    one.give(one.workers[0], lines[0])

    assert [line.number for line in lines] == [1, 2, 3]
    assert one.take("b", 10.0) is one.workers[0]
    assert one.take("c", 20.0) is None


def test_a_worker_that_dialled_on_all_lines_rests(connection: socket.socket) -> None:
    """Four calls at once are taken, the fifth only when the first is four gaps old."""
    one = group(connection, 1)

    for call in "abcd":
        assert one.take(call, 10.0)
        one.give(one.workers[0], one.end(one.workers[0], call))

    assert one.take("e", 10.0 + SLOTS * GAP_S * 0.99) is None
    assert one.is_short(SLOTS)
    assert one.take("e", 10.0 + SLOTS * GAP_S * 1.01) is one.workers[0]


def test_a_group_wants_a_worker_when_one_s_worth_of_lines_is_left(connection: socket.socket) -> None:
    """Unless one is on its way; and again where that one died before it was ready."""
    one = group(connection, 2)
    assert not one.is_short(SLOTS)

    for call in "abcd":
        one.take(call, 0.0)
    assert one.is_short(SLOTS)

    coming = on_its_way(one, connection)
    assert not one.is_short(SLOTS)

    one.remove(coming)
    assert one.is_short(SLOTS)


def test_the_more_calls_are_up_the_more_lines_are_spare(connection: socket.socket) -> None:
    """Of 128 lines in use a sixteenth, so that a rate is followed that one worker at a time could not."""
    one = group(connection, 34)
    for call in range(32 * SLOTS):
        one.take(str(call), 0.0)

    assert one.is_short(SLOTS)
    on_its_way(one, connection)
    assert not one.is_short(SLOTS)


def test_no_more_than_a_few_workers_are_on_their_way_at_once(connection: socket.socket) -> None:
    """They take the processor from calls."""
    one = group(connection, 200)
    for call in range(200 * SLOTS):
        one.take(str(call), 0.0)

    for _ in range(MOST_COMING):
        assert one.is_short(SLOTS)
        on_its_way(one, connection)
    assert not one.is_short(SLOTS)


@pytest.mark.parametrize(
    ("limits", "places"),
    [({}, 50), ({"most": 8}, 2), ({"most": 9}, 3), ({"count": 9}, 3), ({"count": 4, "most": 100}, 1)],
)
def test_a_group_ends_growing_where_lines_or_addresses_suffice(
    connection: socket.socket, limits: dict[str, int], places: int
) -> None:
    """The last worker may have fewer lines than the others."""
    assert group(connection, places - 1, **limits).free_place(SLOTS) == places - 1
    assert (group(connection, places, **limits).free_place(SLOTS) is None) is bool(limits)


def test_a_worker_that_died_leaves_its_place_to_the_next_and_takes_no_more_calls(
    connection: socket.socket,
) -> None:
    """So its addresses are used again, and no two workers ever have the same."""
    one = group(connection, 3)
    for call in "abc":
        one.take(call, 0.0)
    one.remove(one.workers[1])

    assert one.free_place(SLOTS) == 1
    taken = [one.take(call, 1.0) for call in "defghi"]
    assert {worker.place for worker in taken if worker} == {0, 2}
    assert one.take("j", 1.0) is None


def test_a_worker_s_share_of_a_core_is_by_its_own_clock(connection: socket.socket) -> None:
    """However late its pulses are read; the largest lateness stands until it is asked for."""
    worker = group(connection, 1).workers[0]
    assert worker.lag_s is None

    worker.shows(None)
    worker.shows(Sign(100.0, 3.0, 0.02))
    worker.shows(Sign(101.0, 3.25, 0.001))

    assert (worker.cpu_share, worker.lag_s, worker.silent_looks) == (0.25, 0.02, 0)


def test_a_worker_that_shows_no_new_sign_of_life_is_silent(connection: socket.socket) -> None:
    """Its last one stays where it was."""
    worker = group(connection, 1).workers[0]
    for _ in range(3):
        worker.shows(Sign(100.0, 3.0, 0.02))

    assert worker.silent_looks == 2
