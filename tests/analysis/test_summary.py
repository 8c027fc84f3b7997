"""Whole runs to summary.json, its verdict and its sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analysis.load import load
from analysis.run import Run
from analysis.summary import summarise

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "summary.json").read_text())


def _document(run: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(summarise(run).document(), allow_nan=False))
    jsonschema.validate(document, SCHEMA)
    return document


def test_the_demonstration_passes_and_says_so(make_run: Callable[..., Run]) -> None:
    """60 calls, 30 % silent set-ups: bounded passes "not answered ≤ 10 %" while unbounded loses 9 of 30."""
    document = _document(make_run(gates={"not answered": 0.1}))
    assert (document["verdict"], document["exit_code"]) == ("passed", 0)
    assert document["sentence"].startswith("bounded may be released")
    assert list(document["arms"]) == ["unbounded", "bounded"]
    assert document["arms"]["unbounded"]["not_answered"] == 9
    assert document["arms"]["bounded"]["not_answered"] == 0
    assert document["arms"]["unbounded"]["causes"] == {"connect callback late (filter init)": 9}
    assert document["comparisons"][0]["delta_rmst_s"]["p_adjusted"] < 0.05
    assert document["arms"]["unbounded"]["ring_to_answer_s"]["p95"] == {
        "value": None, "low": 15.0, "high": None, "n": 30, "censored": True,
    }  # fmt: skip


def test_the_unbounded_arm_fails_as_a_candidate(make_run: Callable[..., Run]) -> None:
    """With the arms the other way round the same faults forbid the release."""
    document = _document(
        make_run(arms=(("bounded", "bounded"), ("unbounded", "unbounded")), gates={"not_answered": 0.1})
    )
    assert (document["verdict"], document["exit_code"]) == ("failed", 3)
    assert document["sentence"].startswith("Do not release unbounded: not answered 30 %")


def test_too_few_calls_decide_nothing_and_name_the_size(make_run: Callable[..., Run]) -> None:
    """Twenty clean calls an arm leave "not answered ≤ 2 %" open and ask for 149."""
    document = _document(make_run(calls=40, stalled_share=0.0, gates={"not_answered": 0.02}))
    assert (document["verdict"], document["exit_code"]) == ("undecided", 5)
    assert "149" in document["sentence"]
    assert any("149 needed" in warning for warning in document["warnings"])


@pytest.mark.parametrize("fields", [{"calls": 0, "warm_up": 0}, {"calls": 1}, {"calls": 0}])
def test_a_run_without_calls_is_never_passed(make_run: Callable[..., Run], fields: dict[str, int]) -> None:
    """No call, one call, and only warm-up calls are all not valid."""
    document = _document(make_run(**fields))
    assert (document["verdict"], document["exit_code"]) == ("not_valid", 4)


def test_a_run_in_which_nobody_is_answered_has_a_report(make_run: Callable[..., Run]) -> None:
    """All unanswered: failed, every percentile beyond τ, no number made up."""
    document = _document(make_run(stalled_share=1.0, arms=(("a", "unbounded"), ("b", "unbounded"))))
    assert document["verdict"] == "failed"
    assert document["arms"]["b"]["ring_to_answer_s"]["p50"]["censored"]
    assert document["arms"]["b"]["rmst_s"]["value"] == 15.0
    assert document["comparisons"][0]["delta_rmst_s"]["p"] == 1.0


def test_one_arm_alone_is_judged_and_compared_to_nothing(make_run: Callable[..., Run]) -> None:
    """A single arm has gates and no comparison."""
    document = _document(make_run(arms=(("default", "none"),), gates={"not_answered": 0.1}))
    assert document["verdict"] == "passed"
    assert document["comparisons"] == []


def test_equal_arms_show_no_difference(make_run: Callable[..., Run]) -> None:
    """An A/A run reads "no difference shown"."""
    summary = summarise(make_run(arms=(("a", "bounded"), ("b", "bounded"))))
    assert not summary.comparisons[0].shown


def test_a_tester_that_fell_short_decides_nothing(write_run: Callable[..., Path]) -> None:
    """A worker file left open makes even a failed gate not valid, its figure kept; the remedy is said."""
    folder = write_run(arms=(("bounded", "bounded"), ("unbounded", "unbounded")))
    path = folder / "calls-1.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    document = _document(load(folder))
    assert document["exit_code"] == 4
    assert "A worker died or the disk was full" in document["sentence"]
    assert {gate["verdict"] for gate in document["gates"]} == {"not_valid"}
    assert document["gates"][0]["value"] == pytest.approx(0.3)
    assert any("did not close its file" in warning for warning in document["warnings"])


def test_standard_ratios_stand_beside_the_outcomes(make_run: Callable[..., Run]) -> None:
    """Three agents that failed with 486 are a user's wish to the RFC and failures when read for an agent."""
    document = _document(
        make_run(stalled_share=0.0, arms=(("a", "none"),), outcomes=dict.fromkeys(range(3), "agent_failed"))
    )
    arm = document["arms"]["a"]
    assert arm["outcomes"] == {"answered": 57, "agent_failed": 3}
    assert arm["rfc6076"]["ser"]["value"] == pytest.approx(57 / 60)
    assert arm["rfc6076"]["seer"]["value"] == 1.0
    assert arm["rfc6076"]["isa"]["value"] == 0.0
    assert arm["rfc6076"]["seer_agent"]["value"] == pytest.approx(57 / 60)
    assert arm["rfc6076"]["isa_agent"]["value"] == pytest.approx(3 / 60)
    assert arm["rfc6076"]["scr"]["value"] == pytest.approx(57 / 60)


def test_the_same_folder_gives_the_same_summary(write_run: Callable[..., Path]) -> None:
    """Flips and resamples are seeded by the run: twice read is twice the same."""
    folder = write_run(calls=120)
    assert summarise(load(folder)).document() == summarise(load(folder)).document()


def test_several_candidates_are_each_compared_with_the_first(make_run: Callable[..., Run]) -> None:
    """Three arms give two comparisons, adjusted by Holm."""
    run = make_run(arms=(("x", "unbounded"), ("y", "deferred"), ("z", "bounded")), calls=120)
    document = _document(run)
    assert [(c["reference"], c["candidate"]) for c in document["comparisons"]] == [("x", "y"), ("x", "z")]
    for comparison in document["comparisons"]:
        assert comparison["delta_rmst_s"]["p_adjusted"] >= comparison["delta_rmst_s"]["p"]


def test_faults_that_were_exchanged_in_mid_run_are_told(write_run: Callable[..., Path]) -> None:
    """What an arm began with is the run's own; what came later is said, with its second."""
    folder = write_run()
    started_unix = json.loads((folder / "run.json").read_text())["started_unix"]
    switches = [(-1.0, "unbounded", "silent:0.3"), (-1.0, "bounded", "silent:0.3"), (40.0, "bounded", "none")]
    (folder / "fault-switches.jsonl").write_text(
        "".join(
            json.dumps({"unix": started_unix + at_s, "arm": arm, "filter_fault": spec}) + "\n"
            for at_s, arm, spec in switches
        )
    )

    (warning,) = [said for said in _document(load(folder))["warnings"] if "exchanged" in said]

    assert "(bounded met none from 40 s on)" in warning
