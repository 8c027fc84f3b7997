"""The lines of one profile: who takes the next call, when there should be more, whose addresses are whose."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sip.access import Block
from sip.hunt_group import DIAL_GAP_S, HuntGroup, Worker

SLOTS = 4


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    """A worker's socket, which nobody uses here."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as made:
        yield made


def group(connection: socket.socket, workers: int, **limits: int | None) -> HuntGroup:
    """A group with workers that are ready."""
    found = HuntGroup(Block("clean", "198.18.64.1", limits.get("count")), most=limits.get("most"))
    for place in range(workers):
        worker = Worker(f"worker-{place}", found, place, connection, Path("log"), "198.18.64.1")
        worker.be_ready(pid=1, port=5060, slots=SLOTS)
        found.workers.append(worker)
    return found


def test_calls_go_round_the_workers(connection: socket.socket) -> None:
    """The one that dialled longest ago is next, whatever it has up."""
    one = group(connection, 3)

    taken = [one.take(float(second)) for second in range(6)]

    assert [worker.name for worker in taken if worker] == [f"worker-{n}" for n in (0, 1, 2, 0, 1, 2)]


def test_a_worker_without_a_free_line_takes_no_call(connection: socket.socket) -> None:
    """Nor does a group of such workers."""
    one = group(connection, 1)
    one.workers[0].calls = {"a", "b", "c", "d"}

    assert one.take(0.0) is None


def test_a_worker_that_dialled_on_all_lines_rests(connection: socket.socket) -> None:
    """Four calls at once are taken, the fifth only when the first is four gaps old."""
    one = group(connection, 1)

    assert all(one.take(10.0) for _ in range(SLOTS))
    assert one.take(10.0 + SLOTS * DIAL_GAP_S * 0.99) is None
    assert one.take(10.0 + SLOTS * DIAL_GAP_S * 1.01) is one.workers[0]


def test_a_group_wants_a_worker_when_one_s_worth_of_lines_is_left(connection: socket.socket) -> None:
    """Unless one is on its way."""
    one = group(connection, 2)
    assert not one.is_short(SLOTS)

    one.workers[0].calls = {"a", "b", "c", "d"}
    assert one.is_short(SLOTS)

    one.workers.append(Worker("worker-2", one, 2, connection, Path("log"), "198.18.64.1"))
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


def test_a_worker_that_died_leaves_its_place_to_the_next(connection: socket.socket) -> None:
    """So its addresses are used again, and no two workers ever have the same."""
    one = group(connection, 3)
    del one.workers[1]

    assert one.free_place(SLOTS) == 1
