"""Cold bursts, 150 % of what is carried, and the recovery."""

from collections.abc import Callable
from dataclasses import replace

from analysis.capacity import capacity_of
from analysis.overload import CALM_CALLS
from analysis.run import Run

Make = Callable[..., Run]


def test_a_burst_is_in_time_as_long_as_the_processes_keep_up(make_capacity_run: Make) -> None:
    """Two processes of 1.2 s answer the fifth and sixth call after 2.4 s, and the seventh too late."""
    capacity = capacity_of(make_capacity_run(bursts=(2, 4, 8, 16), most_steps=1))
    assert capacity is not None
    assert [(burst.size, burst.in_time) for burst in capacity.bursts] == [
        (2, True), (4, True), (8, False), (16, False),
    ]  # fmt: skip
    (knee,) = capacity.knees
    assert capacity.burst_in_time(knee) == 4


def test_a_search_without_bursts_says_nothing_of_them(make_capacity_run: Make) -> None:
    """None is not the same as none in time."""
    capacity = capacity_of(make_capacity_run(bursts=(), most_steps=1))
    assert capacity is not None
    assert capacity.burst_in_time(capacity.knees[0]) is None


def test_a_deployment_recovers_when_its_queue_has_drained(make_capacity_run: Make) -> None:
    """Back at what it carries, calls are in time again from some call on."""
    capacity = capacity_of(make_capacity_run())
    assert capacity is not None
    (shed,) = capacity.shed
    assert shed.load == 1.5 * (capacity.knees[0].held or 0)
    assert shed.back_at == capacity.knees[0].held
    assert shed.after >= CALM_CALLS
    assert shed.recovered
    assert shed.recovered_after_s is not None


def test_a_deployment_that_does_not_come_back_is_told_of(make_capacity_run: Make) -> None:
    """A hold that it only just carries is too much for it once a queue has built up."""
    run = make_capacity_run()
    calls = run.calls.assign(
        ring_to_answer_s=run.calls["ring_to_answer_s"].where(run.calls["phase"] != "recovery", 9.0)
    )
    capacity = capacity_of(replace(run, calls=calls))
    assert capacity is not None
    (shed,) = capacity.shed
    assert shed.recovered is False
    assert shed.recovered_after_s is None
