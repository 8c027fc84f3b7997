"""The page of a GitHub Actions job is given the summary."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.__main__ import main

WriteRun = Callable[..., Path]
PASSED = {"gates": {"not_answered": 0.2}, "calls": 40}


def test_the_summary_is_appended_to_the_page_of_the_job(
    write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After what other steps have written there."""
    page, folder = tmp_path / "page.md", write_run(**PASSED)
    page.write_text("# Tests\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))

    assert main([str(folder), "--no-html"]) == 0
    assert page.read_text() == "# Tests\n" + (folder / "summary.md").read_text()


def test_a_page_that_cannot_be_written_is_a_warning(
    write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verdict stands."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "page.md"))

    assert main([str(write_run(**PASSED)), "--no-html"]) == 0
    assert "GITHUB_STEP_SUMMARY is to name a file that can be written" in capsys.readouterr().err
