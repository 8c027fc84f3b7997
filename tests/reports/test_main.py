"""`python -m reports` as it is run: files, exit codes, and sentences for what is wrong."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from reports.__main__ import main
from reports.build import build
from reports.kernel import Kernel
from reports.page import answered
from reports.reading import read

WriteRun = Callable[..., Path]
ROOT = Path(__file__).parents[2]


def _report(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reports", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_the_report_is_one_page_that_needs_no_network(write_run: WriteRun) -> None:
    """From a link to the run: five files, the verdict first, and no address in the page."""
    folder = write_run(gates={"not_answered": 0.1}, networks=("clean", "wifi-congested"))
    link = folder.parent / "latest"
    link.symlink_to(folder)
    first = _report(link)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    verdict, *paths = first.stdout.splitlines()
    assert verdict.startswith("passed: bounded may be released")
    assert [Path(path.strip()).name for path in paths] == [
        "summary.json",
        "summary.md",
        "junit.xml",
        "metrics.prom",
        "report.html",
    ]
    page = (folder / "report.html").read_bytes()
    assert b"http:" not in page
    assert b"https:" not in page
    assert b"Content-Security-Policy" in page
    assert str(folder).encode() not in page
    assert len(page) < 2_000_000
    assert page.index(b"bounded may be released") < page.index(b"<img")
    assert page.count(b"<img alt=") == 6
    assert b"What did the network do" in page


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes_again(write_run: WriteRun) -> None:
    """Every file, the page and its pictures too, in a kernel of its own and after other pages in the same."""
    folder = write_run(networks=("clean", "wifi-congested"), calls=20)
    alone, first, second = (folder.parent / name for name in ("alone", "first", "second"))
    _report(folder, "--out", alone)
    with Kernel() as kernel:
        for place in (first, second):
            build([folder], out=place, kernel=kernel)

    names = {path.name for path in alone.iterdir()}
    assert "report.html" in names
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes() == (alone / name).read_bytes()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"gates": {"not_answered": 0.1}}, 0),
        ({"arms": (("bounded", "bounded"), ("unbounded", "unbounded"))}, 3),
        ({"calls": 0, "warm_up": 0}, 4),
        ({"gates": {"not_answered": 0.01}, "stalled_share": 0.0}, 5),
    ],
)
def test_the_exit_code_is_the_verdicts(
    write_run: WriteRun, fields: dict[str, object], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 passed, 3 failed, 4 not valid, 5 undecided, in summary.json as well."""
    folder = write_run(**fields)
    assert main([str(folder), "--no-html"]) == code
    assert json.loads((folder / "summary.json").read_text())["exit_code"] == code
    assert not (folder / "report.html").exists()
    assert capsys.readouterr().out.splitlines()[0].split(":")[0] in (
        "passed",
        "failed",
        "not_valid",
        "undecided",
    )


def test_what_cannot_be_read_is_one_sentence_and_exit_2(
    write_run: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No run, an unknown notebook and an unknown gate: no traceback."""
    folder = write_run()
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([str(folder), "--notebook", "nope"]) == 2
    assert main([str(write_run(gates={"speed": 1.0})), "--no-html"]) == 2
    first, second, third = capsys.readouterr().err.splitlines()
    assert "There is no folder" in first
    assert "There is no notebook 'nope'; there are: capacity, comparison" in second
    assert "There is no gate named 'speed'" in third


def test_several_runs_get_a_folder_of_their_own(write_run: WriteRun) -> None:
    """Two like runs are written beside the first, unlike ones are refused."""
    first, second = write_run(), write_run(seed=9)
    assert main([str(first), str(second), "--no-html"]) == 3
    assert (first.parent / "compare-0-1" / "summary.json").is_file()
    assert main([str(first), str(write_run(tau_s=20.0)), "--no-html"]) == 2


def test_a_cut_run_is_reported_and_marked(write_run: WriteRun, capsys: pytest.CaptureFixture[str]) -> None:
    """The first screen and the Markdown of an interrupted run say so, and its verdict is what it can bear."""
    folder = write_run(calls=5, state="cut", gates={"not_answered": 0.1})
    out = folder / "elsewhere"
    assert main([str(folder), "--no-html", "--out", str(out)]) == 5
    assert "undecided: Not decided for bounded" in capsys.readouterr().out
    assert "The run was cut before its plan's end" in (out / "summary.md").read_text()
    assert "This run was cut before its plan's end." in read(folder).verdict().html


def test_other_clocks_are_shown_where_they_were_collected(write_run: WriteRun) -> None:
    """A row an arm and a row a measure; where agents and trunk are not the lab's, a word that says so."""
    collected = read(write_run()).clocks().html
    elsewhere = read(write_run(own_agents=False, own_trunk=False)).clocks().html
    assert "21 of 30" in collected
    assert "9 of 9" in collected
    assert "audio packets" in collected
    assert "Not collected" not in collected
    assert elsewhere.count("Not collected") == 2


def test_a_place_that_cannot_be_written_is_named(
    write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    """An --out below a file is refused with the remedy."""
    folder = write_run()
    assert main([str(folder), "--no-html", "--out", str(folder / "run.json" / "x")]) == 2
    assert "Name another place with --out" in capsys.readouterr().err


def test_the_network_is_told_of_only_where_there_was_one(write_run: WriteRun) -> None:
    """Matrix, dose and picture, the matrix in the Markdown too; not a word of it in a clean run's."""
    folder, clean = write_run(networks=("clean", "wifi-congested"), calls=20), write_run(calls=20)
    main([str(folder), "--no-html"])
    main([str(clean), "--no-html"])
    markdown = (folder / "summary.md").read_text()
    assert "| wifi-congested | bounded |" in markdown
    assert "Dose delivered by wire: as asked in all 4 directions of legs and profiles." in markdown
    assert "network" not in (clean / "summary.md").read_text()
    reading, nothing = read(folder), read(clean)
    assert "asked 20" in str(reading.dose())
    assert "wifi-congested" in str(reading.networks())
    assert reading.dose_over_time() is not None
    assert (nothing.networks(), nothing.dose(), nothing.dose_over_time()) == (None, None, None)


def test_a_network_that_breaks_a_gate_is_named_with_what_to_do(write_run: WriteRun) -> None:
    """Why, and the decision that follows."""
    reading = read(write_run(networks=("clean", "wifi-congested"), gates={"mos_p5": 3.6}, calls=40))
    verdict = reading.verdict().html
    assert verdict.count("broken under wifi-congested") == 2
    assert "Decide whether callers under wifi-congested are to be served" in verdict


def test_a_dose_that_failed_is_said_first(write_run: WriteRun) -> None:
    """The sentence names the network's check and its remedy; the executor's silence is said in its place."""
    folder = write_run(networks=("clean", "wifi-congested"), calls=20)
    (folder / "network.jsonl").unlink()
    reading = read(folder)
    assert reading.summary.sentence.startswith(
        "Not valid, so it decides nothing: network executor silent while calls were up, s"
    )
    dose = reading.dose()
    assert dose is not None
    assert "left no word" in dose.html


def test_a_question_without_an_answer_is_left_out() -> None:
    """A heading goes with its cells when none of them printed anything; the cells before it stay."""
    question, answer = (nbformat.v4.new_markdown_cell(f"## {name}") for name in ("Why?", "How?"))
    printed = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")])
    silent = nbformat.v4.new_code_cell("None")
    assert answered([silent, question, silent, silent, answer, silent, printed]) == [answer, printed]
    assert answered([question, printed, answer, silent]) == [question, printed]


def test_workers_that_were_replaced_are_told_of(write_run: WriteRun) -> None:
    """A warning with what to read, and their number beside the checks of the tester."""
    folder = write_run(calls=8)
    health = folder / "health-1.jsonl"
    health.write_text(health.read_text().replace('"restarts": 0', '"restarts": 2'))
    reading = read(folder)
    assert any(warning.startswith("The tester replaced 2 workers") for warning in reading.summary.warnings)
    assert "Workers of the pool that were replaced: 2" in reading.validity().html
