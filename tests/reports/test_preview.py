"""Before the first call: what a run of this size cannot decide, and what no run can be asked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.__main__ import main as report
from reports.preview import main


def _settings(**fields: object) -> dict[str, object]:
    """run.json of two arms, as far as it is known before the lab is up."""
    return {
        "format": 1,
        "plan": {
            "calls": 60, "calls_per_second": 0.5, "arrivals": "poisson", "warm_up": 2, "max_concurrent": None,
            "hold_s": 4.0, "duration_s": None,
        },
        "tau_s": 15.0,
        "arms": [{"name": "old", "kind": "unbounded"}, {"name": "new", "kind": "bounded"}],
        "candidate": "new",
        "filter_fault": None,
        "bound_s": 5.0,
        "network": {"spec": "clean", "labels": ["clean"]},
        "host": {"cores": 2, "kernel": "Linux 6.12"},
        **fields,
    }  # fmt: skip


def _asked(*words: str, calls: int = 30, **fields: object) -> int:
    return main([json.dumps(_settings(**fields)), "--calls", str(calls), *words])


def test_gates_that_a_run_cannot_decide_are_named_with_the_calls_they_need(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """30 clean calls bound a share at 9.5 %: enough for 10 %, not for 2 % (149 calls)."""
    code = _asked("--gate", "not_answered<=0.02")

    assert code == 0
    assert capsys.readouterr().out.strip().endswith("however clean: not answered ≤ 0.02 (needs 149)")


def test_nothing_is_said_where_every_gate_can_be_decided(capsys: pytest.CaptureFixture[str]) -> None:
    """Silence means that the size will do; a file may leave the side to the gate."""
    code = _asked("--gate", "not_answered=0.1")

    assert (code, capsys.readouterr().out) == (0, "")


def test_without_gates_those_of_the_documentation_are_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    """The defaults need 149 calls for the share, 59 for the percentiles."""
    _asked(calls=60, tau_s=60.0)

    said = capsys.readouterr().out
    assert "not answered ≤ 0.02 (needs 149)" in said
    assert "p95" not in said


def test_a_gate_under_one_network_needs_its_calls_among_those_of_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two networks share the calls, so 59 under one of them are 118 in all."""
    networks = {
        "spec": "caller=clean+wifi-congested;agent=clean;settings=clean",
        "labels": ["clean", "wifi-congested"],
    }
    _asked("--gate", "greeting_p95_s@wifi-congested<=1", calls=100, network=networks)

    assert "greeting latency p95 under wifi-congested ≤ 1 (needs 118)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        (["charm<=1"], "no gate named 'charm'; there are not_answered,"),
        (["mos_p5<=3.6"], "asks for the wrong side: of MOS the higher the better, so write mos_p5>=3.6"),
        (["not_answered>=0.02"], "so write not_answered<=0.02"),
        (["not_answered<=2"], "it is a share, 0.02 is 2 %"),
        (["not_answered<=0"], "no number of calls shows a share of 0"),
        (["rmst_s<=-1"], "write one above 0"),
        (["not_answered_p95<=0.1"], "names a percentile of what is a share of calls: write not_answered."),
        (["wait<=3"], "names no percentile: write it as in wait_p95_s"),
        (["wait_p100_s<=3"], "one lies between p0 and p100"),
        (["wait_p95_ms<=3"], "is in s: write wait_p95_s"),
        (["older:not_answered<=0.1"], "names the arm 'older', and this run has old and new"),
        (["not_answered@wifi<=0.1"], "names the network 'wifi', and this run has clean"),
        (["not_answered<=0.1", "new:not answered<=0.2"], "are two limits on the same figure"),
        (["capacity>=5", "capacity<=3"], "capacity>=5 and capacity<=3 contradict each other"),
        (["capacity>=5"], "only locustfiles/capacity.py measures it"),
        (["regression_rmst_s<=1"], "with --baseline"),
        (["not_answered<=few"], "is no number"),
        (["not_answered"], "has no limit"),
    ],
)
def test_a_gate_that_cannot_be_is_refused_in_one_sentence(
    gates: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, as for any wrong option, with what was asked for and what would do."""
    code = _asked(*(word for gate in gates for word in ("--gate", gate)))

    told = capsys.readouterr().err
    assert code == 2
    assert said in told
    assert len(told.splitlines()) == 1


def test_a_search_can_be_asked_for_its_capacity(capsys: pytest.CaptureFixture[str]) -> None:
    """Its own figure is a gate there, beside the others."""
    search = {"axis": "rate", "search_gate": ["not_answered<=0.05"], "smoke": False, "start": 1.0}

    assert _asked("--gate", "capacity>=2", calls=200, capacity=search) == 0
    assert _asked("--gate", "capacity>=2", calls=200, capacity=search | {"smoke": True}) == 2


def test_a_baseline_made_under_other_conditions_is_refused_by_what_differs(
    write_run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder or its summary alone is enough to tell; what is not known yet is not held against it."""
    arms = (("old", "unbounded"), ("new", "bounded"))
    folder = write_run(arms=arms, stalled_share=0.0)
    report([str(folder), "--no-html"])
    capsys.readouterr()

    assert _asked("--baseline", str(folder)) == 0
    assert _asked("--baseline", str(folder / "summary.json"), tau_s=20.0, bound_s=3.0) == 2
    told = capsys.readouterr().err
    assert "differ in tau (15.0 there, 20.0 here) and filter fault" in told
    assert _asked("--baseline", str(folder / "calls-1.jsonl")) == 2
    assert "cannot be read as JSON" in capsys.readouterr().err
