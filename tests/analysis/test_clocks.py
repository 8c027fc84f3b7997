"""The agent's clock beside the room's, and the trunk's beside the caller's."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.caveats import CLOCKS_AGREE_S
from analysis.clocks import clocks_of
from analysis.load import load
from analysis.run import Run
from analysis.summary import summarise
from tests.analysis import synthetic

MakeRun = Callable[..., Run]
WriteRun = Callable[..., Path]


def test_the_outside_estimate_differs_by_what_signalling_and_publishing_take(make_run: MakeRun) -> None:
    """In both arms and for all answered calls: publishing comes on top, signalling is not seen."""
    clocks = clocks_of(make_run()).agents
    for clock in clocks.values():
        apart = clock.outside_minus_inside_s
        assert apart.n == clock.publish_s.n == clock.connected
        # The server's stamp of the join is exact, the webhook of the track comes 2 ms late.
        assert apart.value == pytest.approx(synthetic.PUBLISHING_S + 0.002 - synthetic.SIGNALLING_S, abs=1e-5)
        assert clock.publish_s.value == pytest.approx(synthetic.PUBLISHING_S + 0.002, abs=1e-5)
        assert clock.dispatch_s.value == 0.01


def test_every_call_that_was_put_down_to_the_callback_is_confirmed_by_its_span(make_run: MakeRun) -> None:
    """Nine of thirty stalled set-ups: never called back in one arm, late by the bound in the other."""
    run = make_run()
    unbounded, bounded = (clocks_of(run).agents[name] for name in ("unbounded", "bounded"))
    assert (unbounded.calls, unbounded.connected) == (30, 21)
    assert (bounded.calls, bounded.connected) == (30, 30)
    assert (unbounded.held, unbounded.held_confirmed) == (9, 9)
    assert (bounded.held, bounded.held_confirmed) == (9, 9)
    assert unbounded.warned_not_connected == 9
    assert not any("spans" in warning for warning in summarise(run).warnings)


def test_an_agent_that_dawdles_after_its_callback_is_told_from_one_that_waits_for_it(
    make_run: MakeRun,
) -> None:
    """From outside both are active and silent; the span says that the callback had come, a caveat follows."""
    run = make_run()
    calls = run.calls.copy()
    calls["connected_unix"] = calls["agent_active_unix"] + 0.1
    calls["room_connect_s"] = calls["connected_unix"] - calls["connect_began_unix"]
    run = replace(run, calls=calls)
    clock = clocks_of(run).agents["unbounded"]
    assert (clock.held, clock.held_confirmed) == (9, 0)
    assert any("In arm unbounded 9 of 9 calls" in warning for warning in summarise(run).warnings)


def test_an_estimate_from_outside_that_does_not_hold_is_a_caveat(make_run: MakeRun) -> None:
    """Agents that waited 0.3 s longer than the room's side could see: said with its size, arm and n."""
    run = make_run()
    calls = run.calls.assign(room_connect_s=run.calls["room_connect_s"] + 0.322)
    said = summarise(replace(run, calls=calls)).warnings
    begins = "In arm bounded agent connect latency is 0.3 s less from outside than by the agents' own spans"
    assert any(warning.startswith(begins) and "(n = 30)" in warning for warning in said)


def test_agents_that_are_somebody_elses_tell_nothing(make_run: MakeRun) -> None:
    """No file, no entry; nor has a trunk that is not the lab's one."""
    clocks = clocks_of(make_run(own_agents=False, own_trunk=False))
    assert (clocks.agents, clocks.trunk) == ({}, None)


def test_the_trunk_is_joined_by_call_id_and_compared_measure_by_measure(make_run: MakeRun) -> None:
    """It sees the INVITE 2 ms late and so counts 2 ms less of post-dial delay, and the same ring."""
    trunk = clocks_of(make_run()).trunk
    assert trunk is not None
    assert (trunk.post_dial_delay_s.n, trunk.ring_to_answer_s.n) == (60, 51)
    assert trunk.post_dial_delay_s.value == pytest.approx(0.002)
    assert trunk.ring_to_answer_s.value == pytest.approx(0.0, abs=1e-9)
    assert trunk.rtp_packets.value == 1.0


def test_two_clocks_that_disagree_by_more_than_they_should_are_a_caveat(write_run: WriteRun) -> None:
    """A trunk that says it answered 30 ms sooner than the caller saw: said with size and n."""
    folder = write_run()
    path = folder / "trunk-calls.jsonl"
    calls = [json.loads(line) for line in path.read_text().splitlines()]
    for call in calls:
        if call["answered_s"] is not None:
            call["answered_s"] -= CLOCKS_AGREE_S + 0.010
    path.write_text("".join(json.dumps(call) + "\n" for call in calls))
    said = [warning for warning in summarise(load(folder)).warnings if "the trunk's" in warning]
    assert len(said) == 1
    begins = "The caller's ring-to-answer and the trunk's are 30 ms apart at the median (n = 51)"
    assert said[0].startswith(begins)


def test_a_call_the_trunk_never_told_of_is_left_out_of_the_comparison(write_run: WriteRun) -> None:
    """Half the lines, half the n; every call is still there."""
    folder = write_run(stalled_share=0.0, warm_up=0)
    path = folder / "trunk-calls.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[::2]))
    run = load(folder)
    trunk = clocks_of(run).trunk
    assert trunk is not None
    assert (len(run.calls), trunk.ring_to_answer_s.n) == (60, 30)
