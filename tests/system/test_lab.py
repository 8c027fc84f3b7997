"""Facts about the whole lab: what it offers when it is up, and that nothing of it is left when it is down."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.system.labs import Running, all_end_within, is_answered, lab

pytestmark = pytest.mark.system

SCHEMAS = Path(__file__).parents[2] / "schemas"
BOUND_S = 1.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, dict[str, Any]]]:
    """A lab with both arms whose filters are never answered, and what it announced."""
    arguments = ("--json", "--filter-fault", "silent:1", "--bound", str(BOUND_S), "--idle-processes", "1")
    with lab(tmp_path_factory.mktemp("run"), *arguments) as running:
        yield running, running.line()


def test_a_lab_announces_where_it_can_be_called_and_what_it_is_made_of(
    up: tuple[Running, dict[str, Any]],
) -> None:
    """The announcement holds what run.json asks for."""
    _, announced = up
    schema = json.loads((SCHEMAS / "run.json").read_text())["properties"]

    assert announced["ready"] is True
    for name in ("trunk", "arms", "versions", "room_clock", "observe"):
        jsonschema.validate(announced[name], schema[name])
    assert [arm["name"] for arm in announced["arms"]] == ["unbounded", "bounded"]
    assert announced["versions"]["livekit-server"].startswith("1.13.")


def test_a_lab_listens_on_loopback_only(up: tuple[Running, dict[str, Any]]) -> None:
    """None of its processes can be reached from another machine."""
    running, _ = up
    addresses = {
        connection.laddr.ip for process in running.family() for connection in process.net_connections("inet")
    }

    assert addresses == {"127.0.0.1"}


def test_a_lab_writes_no_secret(up: tuple[Running, dict[str, Any]]) -> None:
    """No log, no record and no command line holds what the agents have in their environment."""
    running, _ = up
    agent = next(process for process in running.family() if process.cmdline()[1:3] == ["-m", "lab.agent"])
    secret = agent.environ()["LIVEKIT_API_SECRET"]
    written = "".join(path.read_text() for path in running.folder.rglob("*") if path.is_file())
    shown = "".join(" ".join(process.cmdline()) for process in running.family())

    assert secret not in written + shown


def test_a_bounded_filter_that_is_never_answered_holds_a_call_for_the_bound(
    up: tuple[Running, dict[str, Any]], tmp_path: Path
) -> None:
    """The caller is answered, and the room's side sees the agent held for the bound before it publishes."""
    running, announced = up

    is_answered(announced, "bounded", tmp_path)

    schema = json.loads((SCHEMAS / "room-events.json").read_text())
    events = [json.loads(line) for line in (running.folder / "room-events.jsonl").read_text().splitlines()]
    for event in events:
        jsonschema.validate(event, schema)
    seen = {(event["kind"], event["event"]): event["received_unix"] for event in reversed(events)}
    held_s = seen["agent", "track_published"] - seen["agent", "participant_joined"]

    assert BOUND_S <= held_s < BOUND_S + 5


def test_the_faults_of_a_lab_that_is_up_are_exchanged(
    up: tuple[Running, dict[str, Any]], tmp_path: Path
) -> None:
    """Without them the unbounded arm answers; the folder says from when on."""
    running, announced = up
    command = [sys.executable, "-m", "lab", "fault", "--run-dir", str(running.folder), "--arm", "unbounded"]

    subprocess.run([*command, "none"], check=True, timeout=60)
    is_answered(announced, "unbounded", tmp_path)
    subprocess.run([*command, "silent:1"], check=True, timeout=60)

    switches = [
        json.loads(line) for line in (running.folder / "fault-switches.jsonl").read_text().splitlines()
    ]
    assert [line["filter_fault"] for line in switches if line["arm"] == "unbounded"] == [
        "silent:1", "none", "silent:1",
    ]  # fmt: skip


def test_a_lab_whose_supervisor_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    """Not even the job processes of the agents, which are children of their workers' children."""
    with lab(tmp_path, "--json", "--arms", "none", "--idle-processes", "1") as running:
        running.line()
        family = running.family()
        names = {" ".join(process.cmdline()) for process in family}
        assert any("forkserver" in name for name in names)

        running.process.kill()

        assert all_end_within(family, 10)


def test_a_lab_tells_of_a_part_that_dies_and_ends_with_its_standard_input(tmp_path: Path) -> None:
    """The event names the part, what ended it and its log; the end of input is the lab's, exit code 0."""
    with lab(tmp_path, "--json", "--arms", "none", "--idle-processes", "1") as running:
        running.line()
        family = running.family()

        next(process for process in family if process.cmdline()[1:3] == ["-m", "lab.agent"]).kill()
        agent = running.line(timeout_s=10)
        next(process for process in family if process.name() == "livekit-server").kill()
        server = running.line(timeout_s=10)
        exit_code = running.end()

    assert (agent["event"], agent["process"]) == ("died", "agent-none")
    assert "was ended by SIGKILL" in agent["error"]
    assert Path(agent["log"]) == tmp_path / "logs" / "agent-none.log"
    assert server["process"] == "livekit-server"
    assert exit_code == 0
    assert all_end_within(family, 0)


@pytest.mark.slow
def test_a_lab_ends_when_it_is_asked_to_on_its_way_up(tmp_path: Path) -> None:
    """Nobody has to wait for its agents to get rid of it."""
    with lab(tmp_path, "--json") as running:
        running.progress("waiting for the trunk")
        family = running.family()

        exit_code = running.end()

        assert exit_code == 0
        assert all_end_within(family, 0)


def test_a_lab_without_redis_says_what_to_install(tmp_path: Path) -> None:
    """One line of JSON, one sentence, exit code 1."""
    with lab(tmp_path, "--json", PATH=str(tmp_path)) as running:
        line = running.line()

        assert line["ready"] is False
        assert line["error"].startswith("redis-server is not on PATH; install it")
        assert running.process.wait(timeout=10) == 1


def test_an_impossible_wish_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """Exit code 2, the option and the value; no folder is made."""
    folder = tmp_path / "run"
    with lab(folder, "--json", "--arms", "a=fast") as running:
        line = running.line()

        assert line["error"].startswith("--arms cannot be 'a=fast'")
        assert running.process.wait(timeout=10) == 2
        assert not folder.exists()


def test_ending_labs_where_none_is_up_is_no_error(tmp_path: Path) -> None:
    """There is nothing to do, and it says so."""
    down = subprocess.run(
        [sys.executable, "-m", "lab", "down"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (down.returncode, down.stdout) == (0, "lab: none is up\n")
