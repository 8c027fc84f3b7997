"""A step and its line in the file."""

import json

import pytest

from capacity.step import Decision, Phase, Step, Tally, call_number

STEP = Step(
    step=3,
    phase=Phase.BRACKET,
    arm="bounded",
    profile="clean",
    load=2.0,
    calls_per_second=2.0,
    first_call=120,
    calls=73,
    warm_up=3,
    began_unix=1_800_000_000.0,
    ended_unix=1_800_000_040.5,
    decision=Decision.PASSED,
    because="every criterion is shown to hold",
    criteria=(Tally("not_answered<=0.05", 70, 0),),
)
BASELINE = Step.of(
    {
        **STEP.document(),
        "phase": "baseline",
        "first_call": None,
        "tester": {"dial_lag_p99_s": 0.004, "dropped": 0, "cpu_busiest": None},
    }
)


@pytest.mark.parametrize("step", [STEP, BASELINE])
def test_a_step_is_the_same_after_it_was_written_and_read(step: Step) -> None:
    """With its criteria, and with the tester's own reading where it has one."""
    assert Step.of(json.loads(json.dumps(step.document()))) == step


def test_a_key_that_a_later_version_added_is_passed_over() -> None:
    """An older reader reads on."""
    assert Step.of({**STEP.document(), "weather": "fair"}) == STEP


@pytest.mark.parametrize(
    "wrong", [{"decision": "perhaps"}, {"phase": "nap"}, {"criteria": None}, {"tester": 3}]
)
def test_what_is_no_step_is_refused(wrong: dict[str, object]) -> None:
    """Whatever the value is."""
    with pytest.raises(ValueError, match=r"perhaps|nap|not a step"):
        Step.of({**STEP.document(), **wrong})


def test_a_line_cut_short_is_refused() -> None:
    """A key is missing, and said."""
    document = STEP.document()
    del document["because"]
    with pytest.raises(ValueError, match="because"):
        Step.of(document)


@pytest.mark.parametrize(
    ("call_id", "held"),
    [("run-0-119", False), ("run-0-120", True), ("run-0-192", True), ("run-0-193", False), ("run", False)],
)
def test_a_call_belongs_to_the_step_that_its_number_is_in(call_id: str, *, held: bool) -> None:
    """From the first call on, warm-up ones too."""
    assert STEP.holds(call_id) is held
    assert not BASELINE.holds(call_id)


def test_a_name_without_a_number_has_none() -> None:
    """It belongs to no step."""
    assert (call_number("a-7"), call_number("a-x"), call_number("a-²")) == (7, -1, -1)
