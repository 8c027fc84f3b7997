"""Calls under several networks: one summary for each, and what is said where they part."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from analysis.dose_line import dose_over_time
from analysis.load import load
from analysis.pooled import side_by_side
from analysis.run import Run
from analysis.summary import summarise
from analysis.verdict import Verdict

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "summary.json").read_text())
NETWORKS = ("wifi-congested", "clean")


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    """A run of 40 calls under two networks, one of which breaks the gate on opinion."""
    return make_run(calls=40, networks=NETWORKS, stalled_share=0.0, gates={"mos_p5": 3.6})


def test_each_network_has_its_arms_in_the_order_of_the_choice(run: Run) -> None:
    """By label, then by arm; calls add up; loss, jitter, opinion and repetitions are figures."""
    summary = summarise(run)
    jsonschema.validate(json.loads(json.dumps(summary.document(), allow_nan=False)), SCHEMA)
    assert list(summary.profiles) == list(NETWORKS)
    wifi, clean = summary.profiles.values()
    assert list(wifi.arms) == ["unbounded", "bounded"]
    for name, arm in summary.arms.items():
        assert arm.calls == wifi.arms[name].calls + clean.arms[name].calls
    arm = wifi.arms["bounded"]
    assert arm.rtp.loss_share.p50.value == pytest.approx(0.03)
    assert (arm.rtp.mos.p5.value or 5) < 3 < (clean.arms["bounded"].rtp.mos.p5.value or 0)
    assert arm.rtp.jitter_ms.p95.n == arm.rtp.mos.p50.n == arm.greeting_s.p50.n == arm.calls
    assert (arm.sip_retransmissions.per_call.value, arm.sip_retransmissions.calls) == (0.0, 0)


def test_a_gate_that_one_network_breaks_is_said_with_those_that_keep_it(run: Run) -> None:
    """Ten clean calls of the arm cannot show a 5th percentile, ten with 3 % of loss show it broken."""
    summary = summarise(run)
    assert summary.verdict is Verdict.FAILED
    assert [gate.verdict for gate in summary.profiles["wifi-congested"].gates] == [Verdict.FAILED]
    assert summary.sentence.endswith(
        "By network the gate on MOS p5 is broken under wifi-congested and not decided under clean."
    )


def test_where_all_networks_break_a_gate_none_is_named(make_run: Callable[..., Run]) -> None:
    """It is not the network then."""
    summary = summarise(make_run(networks=NETWORKS, stalled_share=0.0, gates={"rtp_jitter_p95_ms": 0.1}))
    assert summary.verdict is Verdict.FAILED
    assert "By network" not in summary.sentence


def test_bursts_beyond_the_model_of_opinion_are_said(run: Run) -> None:
    """3 % in bursts of 3: the order of their MOS counts, not its value."""
    calls = int((run.counted()["profile"] == "wifi-congested").sum())
    assert any(said.startswith(f"In {calls} calls 2 % or more") for said in summarise(run).warnings)


def test_calls_over_tcp_send_nothing_again(write_run: Callable[..., Path]) -> None:
    """Not zero but not measured: n is 0."""
    folder = write_run(calls=8)
    settings = json.loads((folder / "run.json").read_text())
    settings["trunk"]["uri"] += ";transport=tcp"
    (folder / "run.json").write_text(json.dumps(settings))
    arm = summarise(load(folder)).arms["bounded"]
    assert (arm.sip_retransmissions.per_call.n, arm.sip_retransmissions.per_call.value) == (0, None)


def test_runs_side_by_side_keep_their_doses_apart(make_run: Callable[..., Run]) -> None:
    """The hour between two runs is no silence of the executor; each place is named with its run."""
    first = make_run(calls=20, networks=NETWORKS)
    second = make_run(calls=20, networks=NETWORKS, start_unix=first.started_unix + 3600, seed=8)
    summary = summarise(side_by_side([first, second]))
    assert all(check.ok for check in summary.validity)
    assert summary.network is not None
    assert [each.run_id for each in summary.network.delivered] == ["run-0"] * 4 + ["run-1"] * 4


def test_the_picture_shows_what_was_not_clean(run: Run, make_run: Callable[..., Run]) -> None:
    """A row for each leg and profile that was to do something, its means in words; none without one."""
    exhibit = dose_over_time(run)
    assert exhibit is not None
    assert len(exhibit.figure.axes) == 2
    assert "caller · wifi-congested: 20.2 ms and 3 % lost on average" in exhibit.alt
    assert dose_over_time(make_run(calls=4)) is None
