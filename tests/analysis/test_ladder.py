"""A call step by step: which calls are taken, in what order, and how well each clock is known."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from analysis.ladder import Side, worst_calls
from analysis.run import Clock, Run
from analysis.waterfall import waterfall

MakeRun = Callable[..., Run]


def test_calls_without_an_answer_come_first_then_the_slowest(make_run: MakeRun) -> None:
    """Nine of sixty hang without a limit; then those that the limit ended."""
    worst = worst_calls(make_run(), most=20)

    assert [call.answered for call in worst] == [False] * 9 + [True] * 11
    rings = [call.ring_s for call in worst if call.ring_s is not None]
    assert rings == sorted(rings, reverse=True)


def test_varied_calls_show_each_cause_of_each_arm_before_the_same_again(make_run: MakeRun) -> None:
    """The first two are of different arms."""
    first, second, *_ = worst_calls(make_run(), most=6, varied=True)

    assert {first.arm, second.arm} == {"unbounded", "bounded"}


def test_a_held_call_tells_of_every_side_in_order(make_run: MakeRun) -> None:
    """From due to the caller's giving up; the agent's span has no end, and the filter's hold is there."""
    call = worst_calls(make_run(), most=1)[0]
    times = [step.at_s for step in call.steps]
    whats = [step.what for step in call.steps]

    assert times == sorted(times)
    assert {step.side for step in call.steps} == set(Side)
    assert whats.index("INVITE") < whats.index("agent joined") < whats.index("CANCEL: the caller gave up")
    assert any(step.open_ended for step in call.steps if step.side is Side.AGENT)


def test_only_steps_of_another_clock_have_an_error(make_run: MakeRun) -> None:
    """The room's clock is known to 3 ms and the worker's to 2: five together, and the caller's none."""
    run = replace(make_run(), room_clock=Clock(0.0, 0.003), worker_clock_error_s=0.002)
    steps = worst_calls(run, most=1)[0].steps

    errors = {side: {step.error_s for step in steps if step.side is side} for side in Side}

    assert errors[Side.CALLER] == {0.0}
    assert errors[Side.ROOM] == errors[Side.AGENT] == errors[Side.FILTER] == {0.003 + 0.002}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"observed": False, "own_agents": False, "own_trunk": False, "media": False},
        {"outcomes": {0: "overloaded", 1: "agent_failed", 2: "tester_failed"}},
        {"networks": ("clean", "wifi-congested")},
    ],
)
def test_every_ladder_can_be_drawn(make_run: MakeRun, fields: dict[str, object]) -> None:
    """Whatever was seen of a call; its steps are in the words beside the picture."""
    run = make_run(**fields, calls=12)
    for call in worst_calls(run, most=4, varied=True):
        exhibit = waterfall(run, call)
        assert exhibit.svg().startswith(b"<?xml")
        assert "caller INVITE at 0.000 s" in exhibit.alt
