"""What a capacity run is asked for, and what is refused before the first call."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from capacity import options
from capacity.load_test import Capacity
from capacity.options import DECLARED, CapacityOptions
from capacity.step import Decision, Phase, Step
from capacity.stretch import Axis, Cell
from sip.declared import declare
from sip.errors import UsageError

TRUNK = ("--trunk", "sip:127.0.0.1:5060", "--numbers", "new=+15550100001")


class Parser(argparse.ArgumentParser):
    """argparse with the one extension that Locust's parser brings."""

    def add_argument(self, *names: str, env_var: str = "", **settings: Any) -> argparse.Action:  # type: ignore[override]
        """Declare an option."""
        return super().add_argument(*names, **settings)


def given(*words: str, run_time: object = None) -> argparse.Namespace:
    """A command line, as Locust hands it on."""
    parser = Parser(prog="locust", add_help=False)
    declare(parser, DECLARED)
    found = parser.parse_args(words)
    found.run_time = run_time
    return found


def read(*words: str, run_time: object = None) -> CapacityOptions:
    """What it comes to."""
    return options.read(given(*words, run_time=run_time), {})


def test_without_options_the_lab_s_bounded_agent_is_searched_for_twenty_minutes() -> None:
    """The documented defaults."""
    chosen = read()
    route = chosen.route
    assert chosen.options.arm_names == ("bounded",)
    assert (route.axis, route.start, route.ceiling, route.budget_s) == (Axis.RATE, 0.6, 10.0, 1200.0)
    assert [each.name for each in route.criteria] == ["not_answered<=0.05", "ring_to_answer_p95_s<=3"]
    assert route.cells == (Cell("bounded", "clean"),)
    assert chosen.options.gates == ()


def test_each_arm_under_each_network_is_a_cell_with_a_budget_of_its_own() -> None:
    """In the order in which they are named."""
    route = read("--arms", "unbounded,bounded", "--network", "clean+wifi-congested").route
    assert route.cells == (
        Cell("unbounded", "clean"),
        Cell("unbounded", "wifi-congested"),
        Cell("bounded", "clean"),
        Cell("bounded", "wifi-congested"),
    )
    assert route.budget_s == 4 * 1200


def test_on_the_other_axis_loads_are_conversations_at_once() -> None:
    """The search starts with those that so many calls a second keep up."""
    route = read("--axis", "concurrent", "--calls-per-second", "2", "--hold", "30").route
    assert (route.start, route.ceiling) == (60.0, 240.0)
    assert route.calls_per_second(90.0) == pytest.approx(3.0)


def test_a_smoke_test_is_judged_by_the_search_gate_unless_others_are_named() -> None:
    """As few calls cannot decide the gates of a release."""
    smoke = read("--smoke")
    assert [(each.name, each.limit) for each in smoke.options.gates] == [
        ("not_answered", 0.05),
        ("ring_to_answer_p95_s", 3.0),
    ]
    assert smoke.options.calls == 59
    named = read("--smoke", "--gates", "not_answered<=0.3", "--calls", "80")
    assert [each.name for each in named.options.gates] == ["not_answered"]
    assert named.options.calls == 80


def test_locust_s_own_run_time_is_a_budget() -> None:
    """Whichever is shorter holds."""
    assert read(run_time=900).route.budget_s == 900.0
    assert read("--budget", "12", run_time=3600).route.budget_s == 720.0
    assert read("--budget", "30,2500").route.budget_calls == 2500


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--budget", "1"),
            "too little to decide anything: a step at 0.6 calls/s and its confirming hold take",
        ),
        (("--budget", "60,100"), "too little to decide anything"),
        (("--budget", "soon"), "write minutes, or minutes and calls"),
        (("--budget", "-3"), "write minutes, or minutes and calls"),
        (("--max", "0.2"), "the search starts at 0.6 calls/s"),
        (("--search-gate", "loudness<=3"), "nothing a step can be judged by"),
        (("--search-gate", "not_answered<=0"), "shown by no number of calls"),
        (("--axis", "concurrent", "--hold", "0"), "never up together"),
    ],
)
def test_what_can_decide_nothing_is_refused_with_what_would_do(words: tuple[str, ...], said: str) -> None:
    """Before the first call, naming the option."""
    with pytest.raises(UsageError, match=said) as refused:
        read(*words)
    assert str(refused.value).startswith(words[-2] if len(words) > 2 else words[0])


def test_a_budget_that_is_said_to_do_does() -> None:
    """The remedy of the refusal is taken at its word."""
    with pytest.raises(UsageError) as refused:
        read("--budget", "1")
    remedy = str(refused.value).partition("give ")[2].partition(" or more")[0]
    read("--budget", remedy)


def cut_run(folder: Path, **changes: Any) -> None:
    """The folder of a search that was interrupted in its second step."""
    run = {
        "state": "cut",
        "seed": 77,
        "capacity": {"smoke": False, "resumed": 0},
        "options": {name: getattr(given(*TRUNK), name.replace("-", "_")) for name in DECLARED},
    }
    (folder / "run.json").write_text(json.dumps({**run, **changes}))
    taken = Step(0, Phase.BURST, "new", "clean", 2.0, 1000.0, 0, 2, 0, 1.0, 2.0, Decision.DONE, "")
    under_way = Step(1, Phase.BURST, "new", "clean", 4.0, 1000.0, 2, 4, 0, 3.0, 4.0, Decision.CUT, "")
    lines = [json.dumps(each.document()) for each in (taken, under_way)]
    (folder / "steps.jsonl").write_text("\n".join(lines) + '\n{"step": 2, "ph')
    (folder / "calls-0.jsonl").write_text('{"format": 1}\n{"call_id": "a-run-5"}\n{"call_id": "a-ru')


def test_a_run_that_was_cut_goes_on_under_its_own_options_and_seed(tmp_path: Path) -> None:
    """Only where to and for how long may be said anew; numbers of calls are not used twice."""
    cut_run(tmp_path)
    prepared = Capacity().read(given("--resume", str(tmp_path), "--budget", "30"), {})
    assert prepared.resumed == tmp_path
    assert prepared.options.seed == 77
    assert prepared.options.arm_names == ("new",)
    assert prepared.announcement.startswith("For up to 30 minutes")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "complete"}, "it came to its end"),
        ({"capacity": None}, "no search for a capacity"),
        ({"capacity": {"smoke": True, "resumed": 0}}, "one step"),
    ],
)
def test_what_cannot_go_on_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """With the reason."""
    cut_run(tmp_path, **changes)
    with pytest.raises(UsageError, match=said):
        Capacity().read(given("--resume", str(tmp_path)), {})


def test_a_folder_that_is_no_run_cannot_go_on(tmp_path: Path) -> None:
    """Nor one that is not there."""
    with pytest.raises(UsageError, match="no run's folder"):
        Capacity().read(given("--resume", str(tmp_path / "nowhere")), {})
