"""Kept runs beside a later one: in the page, in summary.md, in junit.xml, and when they are not to be had."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.handover import read_runs
from reports.reading import Reading
from reports.regression import runs_of

WriteRun = Callable[..., Path]
QUICK = {"stalled_share": 0.0, "gates": {"not_answered": 0.1}, "calls": 40}
LATER = 1_795_000_000.0


def _updated(folder: Path, *, baseline: Path | None = None) -> Path:
    """The same run with a later agent, and maybe started with a baseline."""
    path = folder / "run.json"
    run = json.loads(path.read_text())
    run["versions"]["livekit-agents"] = "1.9.0"
    run["baseline"] = [] if baseline is None else [str(baseline)]
    path.write_text(json.dumps(run))
    return folder


def test_figures_versions_and_gates_stand_beside_each_other(write_run: WriteRun) -> None:
    """The page has each run with its figures and what changed before it; what it lacks is a lot drawn."""
    before = write_run(**QUICK)
    now = _updated(write_run(**QUICK, seed=8, start_unix=LATER, clean_ring_s=9.0))
    read = read_runs([now], [before])
    reading = Reading(read.run, read.summary, read.runs)
    page = reading.regression()

    assert page is not None
    assert "livekit-agents 1.8.9 → 1.9.0" in page.html
    assert page.html.count("mean ring within τ, s") == 1
    assert "Held against 1 earlier run (run-0) by fixed margins on the difference." in page.html
    assert "That is not randomised" in reading.verdict().html
    assert [(each.run_id, len(each.changes)) for each in runs_of(read.summary)] == [
        ("run-0", 0),
        ("run-1", 1),
    ]


def test_without_a_baseline_nothing_is_said_of_one(write_run: WriteRun) -> None:
    """Neither in the page nor in summary.md."""
    folder = write_run(**QUICK)
    main([str(folder), "--no-html"])
    read = read_runs([folder])

    assert Reading(read.run, read.summary, read.runs).regression() is None
    assert "Held against" not in (folder / "summary.md").read_text()


def test_files_for_machines_label_what_no_lot_was_drawn_for(write_run: WriteRun) -> None:
    """The gates are in junit.xml and summary.md by a name that says so."""
    before = write_run(**QUICK)
    main([str(before), "--no-html"])
    folder = write_run(**QUICK, seed=8, start_unix=LATER)
    main([str(folder), "--no-html", "--baseline", str(before / "summary.json")])

    cases = [case.get("name") for case in ET.parse(folder / "junit.xml").iter("testcase")]  # noqa: S314 - our own
    assert "bounded: mean ring within τ, less the baseline's (not randomised)" in cases
    markdown = (folder / "summary.md").read_text()
    assert "Held against 1 earlier run (run-0)" in markdown
    assert "| not answered, less the baseline's (not randomised) |" in markdown


def test_a_run_remembers_what_it_was_held_against(
    write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its report is the same again; another baseline may be named, or none; one that is gone is said."""
    before = write_run(**QUICK)
    folder = _updated(write_run(**QUICK, seed=8, start_unix=LATER), baseline=before)

    main([str(folder), "--no-html"])
    assert json.loads((folder / "summary.json").read_text())["regression"] is not None
    main([str(folder), "--no-html", "--baseline", "none"])
    assert json.loads((folder / "summary.json").read_text())["regression"] is None
    before.rename(before.with_name("moved"))
    capsys.readouterr()
    assert main([str(folder), "--no-html"]) == 2
    assert "or --baseline none" in capsys.readouterr().err


def test_a_folder_that_holds_a_summary_alone_will_do(write_run: WriteRun, tmp_path: Path) -> None:
    """As a job keeps it for the next."""
    before = write_run(**QUICK)
    main([str(before), "--no-html"])
    kept = tmp_path / "kept"
    kept.mkdir()
    (before / "summary.json").rename(kept / "summary.json")

    assert read_runs([write_run(**QUICK, seed=8)], [kept]).summary.regression is not None


def test_one_run_is_not_two_baselines(write_run: WriteRun) -> None:
    """Its figures would count twice."""
    before = write_run(**QUICK)

    assert main([str(write_run(**QUICK, seed=8)), "--no-html", "--baseline", f"{before},{before}"]) == 2
