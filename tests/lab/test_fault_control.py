"""`python -m lab fault` exchanges the faults of a lab that is up."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.__main__ import main
from lab.process import Child, announced
from tests.locust_command import lines

Settings = Callable[..., Child]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Starts the settings process of an arm, as the lab does, and ends it."""
    children = []

    def start(folder: Path, arm: str, *options: str) -> Child:
        command = [sys.executable, "-m", "lab.settings", "--upstream", "127.0.0.1:1", "--arm", arm]
        command += ["--run-dir", str(folder), *options]
        folder.mkdir(exist_ok=True, parents=True)
        child = Child(arm, command, env=os.environ, log=tmp_path / f"{arm}.log", grace_s=5)
        children.append(child)
        child.wait_ready(announced(), timeout_s=60)
        return child

    yield start
    for child in children:
        child.stop()


def test_the_only_lab_that_is_up_meets_the_new_faults_in_all_its_arms(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is found in runs/, beside the folder of one that was killed; each arm is named."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "lab-1"
    settings(folder, "old")
    settings(folder, "new")
    killed = tmp_path / "runs" / "lab-0"
    killed.mkdir()
    (killed / "settings-old.sock").touch()
    (tmp_path / "runs" / "latest").symlink_to(folder)

    assert main(["fault", "silent:0.2+latency=2:0.3"]) == 0
    assert capsys.readouterr().out == "".join(
        f"lab: {arm} meets silent:0.2+latency=2:0.3 from now on\n" for arm in ("new", "old")
    )
    assert main(["fault", "none", "--arm", "new"]) == 0
    assert [(line["arm"], line["filter_fault"]) for line in lines(folder / "fault-switches.jsonl")] == [
        ("new", "silent:0.2+latency=2:0.3"), ("old", "silent:0.2+latency=2:0.3"), ("new", "none"),
    ]  # fmt: skip


def test_an_arm_that_cannot_meet_a_fault_goes_on_as_before(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its reason is told, the others meet it, and the exit code is 1."""
    settings(tmp_path, "vendor", "--http-only")
    settings(tmp_path, "ours")

    assert main(["fault", "blackhole", "--run-dir", str(tmp_path)]) == 1

    said = capsys.readouterr()
    assert said.out == "lab: ours meets blackhole from now on\n"
    assert said.err.startswith(
        "lab: vendor goes on as before: --filter-fault cannot be 'blackhole': blackhole "
    )
    assert [line["arm"] for line in lines(tmp_path / "fault-switches.jsonl")] == ["ours"]


def test_of_several_labs_one_must_be_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are shown."""
    monkeypatch.chdir(tmp_path)
    settings(Path("runs/a"), "old")
    settings(Path("runs/b"), "old")

    assert main(["fault", "none"]) == 1
    assert capsys.readouterr().err == "lab: several labs are up: name one with --run-dir, runs/a or runs/b\n"
    assert main(["fault", "none", "--run-dir", "runs/b", "--arm", "new"]) == 1
    assert capsys.readouterr().err == "lab: --arm cannot be 'new': the lab has old\n"


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["gremlins"], 2, "lab: --filter-fault cannot be 'gremlins': no fault is named"),
        (["silent"], 1, "lab: no lab is up in runs/: bring one up"),
        (["silent", "--run-dir", "nowhere"], 1, "lab: no lab is up in nowhere: bring one up"),
    ],
)
def test_what_cannot_be_exchanged_is_told(
    arguments: list[str], code: int, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """An impossible value is 2, a lab that is not there 1."""
    monkeypatch.chdir(tmp_path)

    assert main(["fault", *arguments]) == code
    assert capsys.readouterr().err.startswith(complaint)


def test_a_settings_process_that_ends_leaves_no_socket(settings: Settings, tmp_path: Path) -> None:
    """A folder without one holds no lab that is up."""
    child = settings(tmp_path, "old")

    child.stop()

    assert child.exit_code == 0
    assert list(tmp_path.glob("*.sock")) == []
