"""A run on a deployment of somebody's: what it makes there, what it sees there, and that nothing stays."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lab.server import Credentials, LiveKitServer
from tests.agents import failing_agents
from tests.locust_command import LocustCommand, assert_all_gone, lines, schema, wait_until
from tests.system.left_up import LeftUp

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

AGENT = "ringtime-one"


def call(command: LocustCommand, somebodys: LeftUp, *options: str) -> None:
    """Start a run on the deployment."""
    command.start("--trunk", somebodys.trunk, "--no-report", *options, environment=somebodys.environment)


def test_agents_of_a_deployment_are_called_and_watched_and_nothing_is_left(
    locust_command: LocustCommand, somebodys: LeftUp
) -> None:
    """Each arm has a number and an agent, every call is found in its room, and no secret is written."""
    call(
        locust_command,
        somebodys,
        *("--agents", f"a={AGENT},b={AGENT}", "--calls", "4", "--calls-per-second", "0.75", "--warm-up", "1"),
        *("--arrivals", "constant", "--hold", "2", "--ring-timeout", "30", "--seed", "5"),
    )
    locust_command.wait_for("Placing")
    during = somebodys.trunk_names()
    _, output = locust_command.end()
    folder = locust_command.folder()

    assert "Traceback" not in output
    assert during == {f"ringtime-{folder.name}-{arm}" for arm in "ab"}
    assert somebodys.trunk_names() == set()
    run = json.loads((folder / "run.json").read_text())
    jsonschema.validate(run, schema("run"))
    assert (run["observe"], run["trunk"]["kind"]) == ("poll", "remote")
    assert [(arm["name"], arm["kind"], arm["agent"]) for arm in run["arms"]] == [
        ("a", "remote", AGENT),
        ("b", "remote", AGENT),
    ]
    for event in lines(folder / "room-events.jsonl"):
        jsonschema.validate(event, schema("room-events"))
        assert event["room"].startswith(f"ringtime-{folder.name}-")
    records = locust_command.records()
    assert {record["outcome"] for record in records} == {"answered"}
    summary = json.loads((folder / "summary.json").read_text())
    assert [check["ok"] for check in summary["validity"] if "rooms" in check["name"]] == [True]
    assert all(arm["agent_connect_s"]["p50"]["n"] == 2 for arm in summary["arms"].values())
    assert any("LiveKit's clock less the tester's" in warning for warning in summary["warnings"])
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert somebodys.environment["LIVEKIT_API_SECRET"].encode() not in written
    assert_all_gone(locust_command.relatives())


def test_a_killed_tester_leaves_nothing_on_the_deployment(
    locust_command: LocustCommand, somebodys: LeftUp
) -> None:
    """Its child sees its standard input end, removes what it made, and goes."""
    call(locust_command, somebodys, "--agents", AGENT, "--calls", "1000", "--hold", "60")
    locust_command.wait_for("Placing")
    assert somebodys.trunk_names()
    relatives = locust_command.relatives()

    locust_command.process.kill()

    assert_all_gone(relatives, within_s=30)
    assert somebodys.trunk_names() == set()


@pytest.mark.slow
def test_numbers_that_exist_are_called_and_the_run_s_rooms_found_among_others(
    locust_command: LocustCommand, somebodys: LeftUp
) -> None:
    """Nothing is made; the rooms are known by the call id that their caller bears."""
    call(
        locust_command,
        somebodys,
        *("--numbers", somebodys.numbers[0], "--calls", "2", "--warm-up", "0", "--hold", "2"),
    )
    locust_command.wait_for("Placing")
    assert somebodys.answers(somebodys.numbers[0], locust_command.runs)
    _, output = locust_command.end()
    folder = locust_command.folder()

    assert "Traceback" not in output
    calls = {record["call_id"] for record in locust_command.records()}
    events = lines(folder / "room-events.jsonl")
    assert {event["call_id"] for event in events if event["call_id"]} == calls
    assert len({event["room"] for event in events}) == len(calls)


@pytest.fixture
def failing(somebodys: LeftUp, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Agents on the deployment that fail before they connect, and after; by when they do."""
    environment = somebodys.environment
    server = LiveKitServer(
        port=int(environment["LIVEKIT_URL"].rpartition(":")[2]),
        credentials=Credentials(environment["LIVEKIT_API_KEY"], environment["LIVEKIT_API_SECRET"]),
        child=None,  # type: ignore[arg-type] - somebody else's
    )
    agents = {"before": "fails-before", "after": "fails-after"}
    with failing_agents(server, {agent: moment for moment, agent in agents.items()}, logs=tmp_path):
        yield agents


@pytest.mark.slow
def test_an_agent_that_raises_is_told_from_one_that_is_held(
    locust_command: LocustCommand, somebodys: LeftUp, failing: Mapping[str, str]
) -> None:
    """Its job was taken and ended, whether it was ever seen in the room or not."""
    call(
        locust_command,
        somebodys,
        *("--agents", ",".join(f"{arm}={agent}" for arm, agent in failing.items()), "--calls", "4"),
        *("--warm-up", "0", "--calls-per-second", "1", "--ring-timeout", "9"),
    )
    _, output = locust_command.end()

    summary: dict[str, Any] = json.loads((locust_command.folder() / "summary.json").read_text())
    assert {name: arm["causes"] for name, arm in summary["arms"].items()} == {
        "before": {"agent did not publish": 2},
        "after": {"agent did not publish": 2},
    }, output


@pytest.mark.slow  # 20 s of waiting; the words and how a run passes them on are tested apart
def test_an_agent_without_a_worker_is_told_before_anything_is_called(
    locust_command: LocustCommand, somebodys: LeftUp
) -> None:
    """Exit code 1 and the name; the numbers are gone again."""
    call(locust_command, somebodys, "--agents", f"a={AGENT},b=nobody")
    code, output = locust_command.end()

    assert code == 1
    assert "no worker took a job as 'nobody' within 20 s" in output
    assert "Traceback" not in output
    assert not (locust_command.folder() / "calls-0.jsonl").exists()
    assert somebodys.trunk_names() == set()


def test_credentials_that_do_not_fit_are_told_before_anything_is_called(
    locust_command: LocustCommand, somebodys: LeftUp
) -> None:
    """Exit code 1, and what to look at."""
    environment = dict(somebodys.environment) | {"LIVEKIT_API_SECRET": "x" * 40}
    locust_command.start("--trunk", somebodys.trunk, "--agents", AGENT, environment=environment)
    code, output = locust_command.end()

    assert code == 1
    assert "does not accept the credentials" in output
    assert "Traceback" not in output


def test_a_number_that_somebody_has_is_told_before_anything_is_called(
    locust_command: LocustCommand, somebodys: LeftUp
) -> None:
    """Exit code 1, and which."""
    call(locust_command, somebodys, "--agents", AGENT, "--numbers", somebodys.numbers[0])
    code, output = locust_command.end()

    assert code == 1
    assert "another trunk at ws://" in output
    assert somebodys.numbers[0] in output
    wait_until(lambda: somebodys.trunk_names() == set())
