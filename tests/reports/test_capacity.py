"""Reports of capacity runs: which notebook, what it shows first, and what several say beside each other."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.capacity_advice import how_sure, what_to_do, why
from reports.handover import read_runs
from reports.reading import Reading

Write = Callable[..., Path]


def _reading(*folders: Path) -> Reading:
    read = read_runs(list(folders))
    return Reading(read.run, read.summary, read.runs)


def test_a_capacity_run_has_a_page_of_its_own(
    write_capacity_run: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Chosen by itself; the verdict comes first, then the knee, then its curves."""
    folder = write_capacity_run()
    assert main([str(folder)]) == 0
    page = (folder / "report.html").read_text()
    order = ["May it be released", "what binds", "What callers notice as load grows", "How the search went"]
    order += ["Cold bursts", "Too much, and back", "Was anything left behind?", "Was the tester good enough?"]
    places = [page.index(words) for words in order]
    assert places == sorted(places)
    assert "before callers notice" in capsys.readouterr().out
    assert json.loads((folder / "summary.json").read_text())["capacity"]["knees"][0]["confirmed"] is not None


def test_the_markdown_has_a_row_a_knee(write_capacity_run: Write) -> None:
    """With what binds and the largest burst in time."""
    folder = write_capacity_run()
    main([str(folder), "--no-html"])
    text = (folder / "summary.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith("| bounded | clean |")]
    assert "ring-to-answer p95" in row
    assert row.endswith("| all 9 kept | 4 |")


def test_two_searches_stand_side_by_side(write_capacity_run: Write) -> None:
    """A lab with half the processes is said to carry less, on the first screen and below the knees."""
    reading = _reading(write_capacity_run(), write_capacity_run(servers=1, seed=5))
    knees = reading.knees()
    assert knees is not None
    assert "carries less" in knees.html
    assert "carries less" in reading.verdict().html
    assert reading.load_curves() is not None
    assert reading.search_course() is not None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"most_steps": 2}, "Go on with --resume"),
        ({"servers": 1, "service_s": 20.0, "bursts": (), "most_calls": 60}, "Hold bounded back"),
        (
            {"servers": 40, "start": 1.0, "ceiling": 2.0, "bursts": ()},
            "Release bounded, for at most 2 calls/s",
        ),
        ({"smoke": True}, "Release bounded."),
        ({"outcome": "misconfigured", "most_calls": 60, "bursts": ()}, "Look at the numbers"),
        ({"late_by_s": 0.2, "late_from": 0.0, "bursts": ()}, "Give the tester cores"),
    ],
    ids=["interrupted", "nothing carried", "highest load", "one look", "refused", "tester short"],
)
def test_the_first_screen_says_what_to_do(
    write_capacity_run: Write, fields: dict[str, object], words: str
) -> None:
    """Whatever became of the search, and every panel can be shown."""
    reading = _reading(write_capacity_run(**fields))
    assert words in reading.verdict().html
    shown = (
        reading.knees(), reading.load_curves(), reading.stages_over_load(), reading.search_course(),
        reading.steps(), reading.bursts(), reading.overload(), reading.overload_course(),
        reading.left_behind(), reading.tester_alone(), reading.gates(), reading.arms(), reading.glossary(),
        reading.provenance(),
    )  # fmt: skip
    assert all(each is None or each._repr_html_() for each in shown)


def test_the_stage_that_grew_most_is_named(write_capacity_run: Write) -> None:
    """Calls that wait for a process wait in dispatch."""
    reading = _reading(write_capacity_run())
    capacity = reading.summary.capacity
    assert capacity is not None
    assert any("median dispatch grew" in said for said in why(reading.run, capacity))
    todo = what_to_do(reading.run, reading.summary.verdict, capacity)
    assert any("agent processes are kept idle" in said for said in todo)
    assert any("5 chances in 100" in said for said in how_sure(reading.run, capacity))


def test_a_run_at_one_given_load_shows_none_of_it(write_run: Write) -> None:
    """Opened in the notebook of searches, its questions are left out."""
    reading = _reading(write_run(calls=12))
    assert reading.knees() is None
    assert reading.load_curves() is None
    assert reading.steps() is None
    assert reading.left_behind() is None
