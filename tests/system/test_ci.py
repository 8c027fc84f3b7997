"""The examples for continuous integration do what docs/ci.md says: their commands are taken out and run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sip.answering_process import Answering

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "ci"
SET_UP = "scripts/python.sh .venv"
JOBS = ["smoke", "capacity"]
# As few seconds as decide it, and the release's search shortened to one look.
QUICK = {
    "RINGTIME_CALLS_PER_SECOND": "20",
    "RINGTIME_MAX": "20",
    "RINGTIME_HOLD": "0.3",
    "RINGTIME_WARM_UP": "1",
    "RINGTIME_NO_REPORT": "true",
    "RINGTIME_SMOKE": "true",
}
pytestmark = pytest.mark.system


def _github(job: str) -> list[str]:
    """What each step of a job runs."""
    steps = _example("github-actions")["jobs"][job]["steps"]
    return [step["run"].strip() for step in steps if "run" in step]


def _gitlab(job: str) -> list[str]:
    """What a job runs, line by line."""
    example = _example("gitlab-ci")
    settings = {**example[example[job]["extends"]], **example[job]}
    return [*settings["before_script"], *settings["script"]]


def _example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yml").read_text())
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a job finds once it is set up: everything but what runs leave behind."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in ("runs", "baseline", ".git", ".venv"):
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture
def deployment() -> Iterator[dict[str, str]]:
    """The variables that name something to call, set as a project would, the unused ones left empty."""
    with Answering(["--ring", "0.05"]) as far_end:
        yield {
            "RINGTIME_TRUNK": far_end.trunk.uri,
            "RINGTIME_NUMBERS": "+15550100001",
            "RINGTIME_AGENTS": "",
            "LIVEKIT_URL": "",
            "LIVEKIT_API_KEY": "",
            "LIVEKIT_API_SECRET": "",
        }


def _run(script: str, checkout: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],  # noqa: S607 - the shell that both services use
        cwd=checkout, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_sets_up_is_what_made_this_environment() -> None:
    """It is not run again beneath the tests that use it."""
    script = ROOT / SET_UP.split()[0]

    assert os.access(script, os.X_OK)
    assert f"{SET_UP.split()[0]} $(VENV)" in (ROOT / "Makefile").read_text()
    assert all(commands(job)[0] == SET_UP for commands in (_github, _gitlab) for job in JOBS)


def test_every_commit_is_smoked_and_its_page_and_files_are_there(
    checkout: Path, deployment: dict[str, str], tmp_path: Path
) -> None:
    """GitHub's steps: the verdict's exit code, the summary on the job's page, the files to be kept."""
    page = tmp_path / "page.md"
    given = {**deployment, **QUICK, "GITHUB_STEP_SUMMARY": str(page)}
    del given["RINGTIME_SMOKE"]

    _, smoke = _github("smoke")
    done = _run(smoke, checkout, given)

    (run,) = checkout.glob(_kept("smoke"))
    assert done.returncode == json.loads((run / "summary.json").read_text())["exit_code"], done.stderr
    assert page.read_text() == (run / "summary.md").read_text()
    assert {"summary.json", "junit.xml", "metrics.prom"} <= {path.name for path in run.iterdir()}


def test_a_release_that_passes_is_what_the_next_one_is_held_against(
    checkout: Path, deployment: dict[str, str]
) -> None:
    """GitLab's lines in one shell, for two releases; the first is kept, whatever became of it."""
    script = "\n".join(_gitlab("capacity")[1:])
    given = {**deployment, **QUICK}

    first_done = _run(script, checkout, given)
    (first,) = checkout.glob(_kept("capacity"))
    kept = checkout / "baseline" / f"{first.name}.json"
    assert kept.exists() == (first_done.returncode == 0), first_done.stderr
    kept.write_text(json.dumps({**json.loads((first / "summary.json").read_text()), "verdict": "passed"}))
    second_done = _run(script, checkout, given)

    _, second = sorted(checkout.glob(_kept("capacity")))
    assert second_done.returncode in (0, 3, 4, 5), second_done.stderr
    assert _baseline(first) == ""
    assert _baseline(second) == f"baseline/{first.name}.json"
    held = json.loads((second / "summary.json").read_text())["regression"]["baselines"]
    assert [each["run_id"] for each in held] == [first.name]


def _baseline(run: Path) -> str:
    return str(json.loads((run / "run.json").read_text())["options"]["baseline"])


def test_both_services_run_the_same_commands() -> None:
    """What is shown for the one holds for the other."""
    for job in JOBS:
        assert "\n".join(_github(job)) == "\n".join(_gitlab(job))


def _kept(job: str) -> str:
    """The artifact's pattern, which is the same at both services."""
    steps = _example("github-actions")["jobs"][job]["steps"]
    (upload,) = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert [upload["with"]["path"]] == _example("gitlab-ci")[".ringtime"]["artifacts"]["paths"]
    return str(upload["with"]["path"])
