"""Steps of a capacity run: which calls are theirs, and what is judged."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from analysis.errors import BrokenFileError
from analysis.load import load
from analysis.run import Run
from analysis.steps import judged_steps
from analysis.summary import summarise
from capacity.step import Phase

SCHEMAS = Path(__file__).parents[2] / "schemas"
Write = Callable[..., Path]


def _schema(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text()))


def test_a_synthetic_capacity_run_is_valid_under_the_schemas(write_capacity_run: Write) -> None:
    """What these tests read is what the load side is bound to write."""
    folder = write_capacity_run()
    _schema("run").validate(json.loads((folder / "run.json").read_text()))
    for line in (folder / "steps.jsonl").read_text().splitlines():
        _schema("steps").validate(json.loads(line))


def test_each_call_has_the_step_that_placed_it(make_capacity_run: Callable[..., Run]) -> None:
    """By the number at the end of its id; as many as the step says, all of its arm."""
    run = make_capacity_run()
    found = run.calls["step"].value_counts()
    assert {step.step: step.calls for step in run.steps if step.first_call is not None} == found.to_dict()
    assert run.calls["step"].notna().all()


def test_a_run_at_one_given_load_has_no_steps(make_run: Callable[..., Run]) -> None:
    """It is read as ever, and its summary says that nothing was searched for."""
    run = make_run()
    assert run.capacity is None
    assert run.steps == ()
    assert summarise(run).capacity is None


def test_figures_are_of_the_confirming_hold_alone(make_capacity_run: Callable[..., Run]) -> None:
    """Not of the loads that were only tried on the way to it."""
    run = make_capacity_run()
    (hold,) = judged_steps(run.steps)
    assert hold.phase is Phase.CONFIRM
    assert set(run.counted()["step"]) == {hold.step}
    assert len(run.attempts()) == hold.calls


def test_calls_that_fill_up_a_step_are_left_out(make_capacity_run: Callable[..., Run]) -> None:
    """With conversations at once for an axis the first ones find less load than was asked for."""
    run = make_capacity_run(axis="concurrent", start=2.0, ceiling=32.0, bursts=())
    assert run.capacity is not None
    assert run.capacity.unit == "calls at once"
    filling = run.calls[run.calls["warm_up"]]
    first = filling.groupby("step")["call_id"].min()
    assert (first == run.calls.groupby("step")["call_id"].min().loc[first.index]).all()


def test_a_line_that_is_no_step_is_counted_and_shown(write_capacity_run: Write) -> None:
    """The last one is cut where the tester was killed while it wrote."""
    folder = write_capacity_run()
    with (folder / "steps.jsonl").open("a") as file:
        file.write('{"step": 99, "phase": "nap"}\n{"step": 100, "pha')
    run = load(folder)
    assert run.unreadable == {"steps.jsonl": 2}
    assert any("2 lines of steps.jsonl" in warning for warning in summarise(run).warnings)


@pytest.mark.parametrize("key", ["axis", "search_gate", "start"])
def test_a_search_that_run_json_tells_wrongly_is_refused(write_capacity_run: Write, key: str) -> None:
    """With the key that is missing, and no traceback."""
    folder = write_capacity_run(most_steps=1)
    settings = json.loads((folder / "run.json").read_text())
    del settings["capacity"][key]
    (folder / "run.json").write_text(json.dumps(settings))
    with pytest.raises(BrokenFileError, match=key):
        load(folder)
