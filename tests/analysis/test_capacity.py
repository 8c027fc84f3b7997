"""Capacity runs to knees, verdict and sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analysis.errors import UnlikeRunsError
from analysis.gates import Verdict
from analysis.knee import Limit, beside_each_other
from analysis.load import load
from analysis.pooled import side_by_side
from analysis.run import Run
from analysis.summary import Summary, summarise
from capacity.step import Decision, Phase
from tests.analysis import synthetic_capacity as synthetic

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "summary.json").read_text())
Make = Callable[..., Run]
Write = Callable[..., Path]


def _summary(run: Run) -> Summary:
    summary = summarise(run)
    jsonschema.validate(json.loads(json.dumps(summary.document(), allow_nan=False)), SCHEMA)
    return summary


def _knee(summary: Summary) -> Any:
    assert summary.capacity is not None
    (knee,) = summary.capacity.knees
    return knee


def _edit_records(folder: Path, edit: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Each record of the folder changed, or left out."""
    path = folder / "calls-1.jsonl"
    header, *records, closing = path.read_text().splitlines()
    kept = [made for made in (edit(json.loads(record)) for record in records) if made is not None]
    path.write_text("\n".join([header, *map(json.dumps, kept), closing]) + "\n")


def test_the_knee_lies_where_the_queue_begins_to_grow(make_capacity_run: Make) -> None:
    """Two processes of 1.2 s carry at most 1.67 calls a second, and callers notice somewhat earlier."""
    summary = _summary(make_capacity_run())
    knee = _knee(summary)
    assert 0.5 <= knee.low < knee.high <= 2.0
    assert knee.binds == ("ring_to_answer_p95_s<=3",)
    assert knee.confirmed == knee.low
    assert summary.verdict is Verdict.PASSED
    assert summary.sentence == knee.sentence
    assert f"bounded carries {knee.interval} calls/s before callers notice" in summary.sentence
    assert "held for 160 calls with all 9 gates kept." in summary.sentence


def test_what_was_decided_live_is_decided_again_from_the_records(make_capacity_run: Make) -> None:
    """The same calls in the same order come to the same."""
    capacity = _summary(make_capacity_run()).capacity
    assert capacity is not None
    searched = [step for step in capacity.steps if step.phase in (Phase.BRACKET, Phase.BISECT)]
    assert len(searched) > 2
    assert [step.decision for step in searched] == [step.live for step in searched]


def test_records_count_where_they_say_another_thing(write_capacity_run: Write) -> None:
    """A first step whose answers all came late has failed, whatever was thought of it while calling."""
    folder = write_capacity_run()
    first = next(step for step in load(folder).steps if step.phase is Phase.BRACKET)
    assert first.decision is Decision.PASSED

    def late(record: dict[str, Any]) -> dict[str, Any]:
        if first.holds(record["call_id"]):
            record["answered_s"] += 5
            record["bye_s"] += 5
            record["bye_answered_s"] += 5
        return record

    _edit_records(folder, late)
    summary = _summary(load(folder))
    assert _knee(summary).high == first.load
    assert any("records say failed: the records count" in warning for warning in summary.warnings)


def test_half_the_processes_are_found_to_carry_less(make_capacity_run: Make) -> None:
    """Side by side the two intervals do not overlap, and the page says so with what that cannot prove."""
    runs = [make_capacity_run(), make_capacity_run(servers=1, seed=5)]
    capacity = _summary(side_by_side(runs)).capacity
    assert capacity is not None
    whole, half = capacity.knees
    assert half.high <= whole.low
    (said,) = beside_each_other(capacity.knees, capacity.unit)
    assert "carries less" in said
    assert "different times" in said


def test_the_same_deployment_searched_twice_shows_no_difference(make_capacity_run: Make) -> None:
    """Two intervals that overlap say nothing of one side carrying more."""
    capacity = _summary(side_by_side([make_capacity_run(), make_capacity_run(seed=12)])).capacity
    assert capacity is not None
    (said,) = beside_each_other(capacity.knees, capacity.unit)
    assert "the intervals overlap, so no difference is shown" in said


def test_a_search_is_not_compared_with_calls_at_one_load(make_capacity_run: Make, make_run: Make) -> None:
    """Unlike runs are refused."""
    with pytest.raises(UnlikeRunsError):
        side_by_side([make_capacity_run(most_steps=1), make_run()])


def test_each_arm_and_network_has_a_knee_of_its_own(write_capacity_run: Write) -> None:
    """Four searches in one run; the verdict is the candidate's."""
    arms = (
        ("unbounded", synthetic.Deployment(service_s=2.4)),
        ("bounded", synthetic.Deployment(service_s=1.2)),
    )
    summary = _summary(load(write_capacity_run(arms=arms, profiles=("clean", "g114-150"))))
    assert summary.capacity is not None
    cells = [(knee.arm, knee.profile) for knee in summary.capacity.knees]
    assert cells == [(arm, profile) for arm in ("unbounded", "bounded") for profile in ("clean", "g114-150")]
    assert "unbounded" not in summary.sentence
    assert summary.comparisons == ()


def test_nothing_failed_up_to_the_highest_load_allowed(make_capacity_run: Make) -> None:
    """The interval is open above, and no number stands where none is known."""
    summary = _summary(make_capacity_run(servers=40, start=1.0, ceiling=2.0, bursts=()))
    knee = _knee(summary)
    assert (knee.low, knee.high, knee.limited_by) == (2.0, None, Limit.MAX)
    assert knee.interval == "≥ 2"
    assert "carries 2 calls/s or more (the highest load that was allowed)" in summary.sentence
    assert summary.verdict is Verdict.PASSED


def test_nothing_passed_down_to_the_lowest_load(make_capacity_run: Make) -> None:
    """Each call takes 20 s: no load is carried, no hold is tried, and the candidate fails."""
    summary = _summary(make_capacity_run(servers=1, service_s=20.0, bursts=(), most_calls=60))
    knee = _knee(summary)
    assert (knee.low, knee.held) == (None, None)
    assert knee.interval.startswith("< ")
    assert summary.verdict is Verdict.FAILED
    assert "the lowest load tried" in summary.sentence


def test_an_interrupted_search_decides_nothing_and_says_how_to_go_on(make_capacity_run: Make) -> None:
    """What it had found so far is told."""
    summary = _summary(make_capacity_run(most_steps=2))
    assert summary.verdict is Verdict.UNDECIDED
    assert _knee(summary).limited_by is Limit.INTERRUPTED
    assert "--resume" in summary.sentence


def test_a_search_that_came_to_an_end_before_its_time_ran_out_of_budget(write_capacity_run: Write) -> None:
    """It was not interrupted, and there were loads left to try."""
    folder = write_capacity_run(most_steps=2)
    settings = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(settings | {"state": "complete"}))
    summary = _summary(load(folder))
    assert _knee(summary).limited_by is Limit.BUDGET
    assert "budget" in summary.sentence


def test_a_target_that_refuses_every_call_is_not_measured(make_capacity_run: Make) -> None:
    """The status names what is wrong, and no load is reported."""
    summary = _summary(make_capacity_run(outcome="misconfigured", most_calls=60, bursts=()))
    assert summary.verdict is Verdict.NOT_VALID
    assert "404 Not Found" in summary.sentence
    assert "numbers" in summary.sentence


def test_a_tester_that_is_the_bottleneck_decides_nothing(make_capacity_run: Make) -> None:
    """It dialled late from the first load on, so that nothing is known of the system."""
    summary = _summary(make_capacity_run(late_by_s=0.2, late_from=0.0, bursts=()))
    assert summary.verdict is Verdict.NOT_VALID
    assert "tester was the bottleneck" in summary.sentence


def test_a_tester_that_falls_short_above_bounds_the_search(make_capacity_run: Make) -> None:
    """What was held below stands; the interval is open above for the tester's sake."""
    summary = _summary(make_capacity_run(servers=40, start=1.0, late_by_s=0.2, late_from=2.0, bursts=()))
    knee = _knee(summary)
    assert knee.high is None
    assert knee.low is not None
    assert knee.limited_by is Limit.TESTER
    assert summary.verdict is Verdict.PASSED


def test_a_gate_on_capacity_is_judged_by_the_knee(make_capacity_run: Make) -> None:
    """Kept below the interval, broken above it, and not decided within."""
    knee = _knee(_summary(make_capacity_run()))
    within = (knee.low + knee.high) / 2
    for limit, verdict in ((0.4, "passed"), (8.0, "failed"), (within, "undecided")):
        (gate,) = [
            gate
            for gate in _summary(make_capacity_run(gates={"not_answered": 0.05, "capacity": limit})).gates
            if gate.name == "capacity"
        ]
        assert gate.verdict == verdict


def test_a_file_that_an_interruption_left_open_is_no_loss(write_capacity_run: Write) -> None:
    """What counts is that each call of a finished step has its record."""
    folder = write_capacity_run()
    path = folder / "calls-1.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert _summary(load(folder)).verdict is Verdict.PASSED


def test_a_record_that_was_lost_makes_the_run_not_valid(write_capacity_run: Write) -> None:
    """It is counted, named by its step, and never made up."""
    folder = write_capacity_run()
    hold = next(step for step in load(folder).steps if step.phase is Phase.CONFIRM)
    lost = f"call-{hold.first_call:05d}"
    _edit_records(folder, lambda record: None if record["call_id"] == lost else record)
    summary = _summary(load(folder))
    assert summary.verdict is Verdict.NOT_VALID
    assert "without a record: 1" in summary.sentence
    assert f"1 call of step {hold.step} left no record." in summary.warnings


def test_one_look_at_a_load_passes_with_59_clean_calls(make_capacity_run: Make) -> None:
    """The search gate is what it decides by; how much more would pass is not told."""
    summary = _summary(make_capacity_run(smoke=True))
    assert summary.verdict is Verdict.PASSED
    assert [gate.name for gate in summary.gates] == ["not_answered", "ring_to_answer_p95_s"]
    assert summary.sentence == "bounded takes 0.5 calls/s without callers noticing (60 calls)."
    assert _knee(summary).high is None


def test_one_look_at_too_much_fails(make_capacity_run: Make) -> None:
    """And says by what."""
    summary = _summary(make_capacity_run(smoke=True, start=4.0))
    assert summary.verdict is Verdict.FAILED
    assert "bounded does not take 4 calls/s (not answered and ring-to-answer p95 bind)" in summary.sentence


def test_a_search_that_went_on_later_is_one_search(write_capacity_run: Write) -> None:
    """The first file was left open by what ended it; calls of both belong to the steps that placed them."""
    folder = write_capacity_run()
    settings = json.loads((folder / "run.json").read_text())
    settings["capacity"]["resumed"] = 1
    (folder / "run.json").write_text(json.dumps(settings | {"workers": ["1", "2"]}))
    header, *records, _ = (folder / "calls-1.jsonl").read_text().splitlines()
    part = len(records) // 3
    later = json.dumps(json.loads(header) | {"worker": "2"})
    closing = json.dumps({"closed": True, "count": len(records) - part})
    (folder / "calls-1.jsonl").write_text("\n".join([header, *records[:part]]) + "\n")
    (folder / "calls-2.jsonl").write_text("\n".join([later, *records[part:], closing]) + "\n")

    summary = _summary(load(folder))

    assert summary.verdict is Verdict.PASSED
    assert any("went on later" in warning for warning in summary.warnings)


def test_a_search_that_ended_before_its_first_call_is_not_valid(make_capacity_run: Make) -> None:
    """There is nothing to read, and nothing is made up."""
    summary = _summary(make_capacity_run(most_steps=0, bursts=()))
    assert summary.verdict is Verdict.NOT_VALID
    assert summary.capacity is not None
    assert summary.capacity.knees == ()
