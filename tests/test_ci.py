"""The examples for continuous integration do what docs/ci.md says: their commands are taken out and run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sip.answering_process import Answering

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "ci"
SET_UP = "scripts/python.sh .venv"
JOBS = ["smoke", "capacity"]
# As few seconds as decide it; the release's search is shortened to one look besides.
QUICK = {
    "RINGTIME_CALLS_PER_SECOND": "20",
    "RINGTIME_MAX": "20",
    "RINGTIME_HOLD": "0.3",
    "RINGTIME_WARM_UP": "1",
    "RINGTIME_NO_REPORT": "true",
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


@dataclass(frozen=True)
class Job:
    """A job that has ended: how, the run that it left where artifacts are taken from, and its page."""

    done: "subprocess.CompletedProcess[str]"
    run: Path
    page: str


class Checkout:
    """What jobs find once they are set up: everything but what runs leave behind; and something to call."""

    def __init__(self, folder: Path, trunk: str) -> None:
        self.folder, self._page = folder / "checkout", folder / "page.md"
        self.folder.mkdir()
        for entry in ROOT.iterdir():
            if entry.name not in ("runs", "baseline", ".git", ".venv"):
                (self.folder / entry.name).symlink_to(entry)
        (self.folder / ".venv").symlink_to(sys.prefix)
        unused = ("RINGTIME_AGENTS", "RINGTIME_BASELINE", *(name for name in os.environ if "LIVEKIT" in name))
        self._variables = {
            **dict.fromkeys(unused, ""),  # as a project's variables are that nobody has set
            **QUICK,
            "RINGTIME_TRUNK": trunk,
            "RINGTIME_NUMBERS": "+15550100001",
            "GITHUB_STEP_SUMMARY": str(self._page),
        }

    def job(self, commands: list[str], kept: str, **variables: str) -> Job:
        """Run commands in one shell."""
        before = {*self.folder.glob(kept)}
        self._page.unlink(missing_ok=True)
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", "\n".join(commands)],  # noqa: S607 - the services' shell
            cwd=self.folder, env={**os.environ, **self._variables, **variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        new = {*self.folder.glob(kept)} - before
        assert len(new) == 1, done.stdout + done.stderr
        return Job(done, new.pop(), self._page.read_text())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """One for the jobs of both examples, which call an answering side."""
    with Answering(["--ring", "0.05"]) as far_end:
        yield Checkout(tmp_path_factory.mktemp("ci"), far_end.trunk.uri)


@pytest.fixture(scope="module")
def smoked(checkout: Checkout) -> Job:
    """A commit that went through GitHub's job."""
    return checkout.job(_github("smoke")[1:], _kept("smoke"))


def test_what_sets_up_is_what_made_this_environment() -> None:
    """It is not run again beneath the tests that use it."""
    script = ROOT / SET_UP.split()[0]

    assert os.access(script, os.X_OK)
    assert f"{SET_UP.split()[0]} $(VENV)" in (ROOT / "Makefile").read_text()
    assert all(commands(job)[0] == SET_UP for commands in (_github, _gitlab) for job in JOBS)


def test_every_commit_is_smoked_and_its_page_and_files_are_there(smoked: Job) -> None:
    """The exit code is the verdict's, the summary is on the job's page, the files where they are kept."""
    run = smoked.run

    assert smoked.done.returncode == _summary(run)["exit_code"], smoked.done.stderr
    assert smoked.page == (run / "summary.md").read_text()
    assert {"summary.json", "junit.xml", "metrics.prom"} <= {path.name for path in run.iterdir()}


def test_a_release_is_held_against_what_was_kept_and_is_kept_where_it_passes(
    checkout: Checkout, smoked: Job
) -> None:
    """GitLab's lines; what they find in the cache is a run that passed, as a busy one might not."""
    before = checkout.folder / "baseline" / f"{smoked.run.name}.json"
    before.parent.mkdir()
    before.write_text(json.dumps({**_summary(smoked.run), "verdict": "passed"}))

    release = checkout.job(_gitlab("capacity")[1:], _kept("capacity"), RINGTIME_SMOKE="true")

    asked = json.loads((release.run / "run.json").read_text())["options"]["baseline"]
    assert asked == f"baseline/{before.name}"
    held = _summary(release.run)["regression"]["baselines"]
    assert [each["run_id"] for each in held] == [smoked.run.name]
    kept = before.with_name(f"{release.run.name}.json")
    assert kept.exists() == (release.done.returncode == 0)


def test_both_services_run_the_same_commands() -> None:
    """What is shown for the one holds for the other."""
    for job in JOBS:
        assert "\n".join(_github(job)) == "\n".join(_gitlab(job))


def _summary(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return found


def _kept(job: str) -> str:
    """The artifact's pattern, which is the same at both services."""
    steps = _example("github-actions")["jobs"][job]["steps"]
    (upload,) = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert [upload["with"]["path"]] == _example("gitlab-ci")[".ringtime"]["artifacts"]["paths"]
    return str(upload["with"]["path"])
