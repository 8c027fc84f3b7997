"""The locust command: what it refuses, what it leaves, and how it ends, against a SIPp that answers."""

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from sip.trunk import Trunk
from tests.locust_command import LocustCommand, assert_all_gone, lines, schema, wait_until
from tests.sip.conftest import free_port

pytestmark = pytest.mark.system

Answering = Callable[..., Trunk]
NUMBERS = ("--numbers", "old=+15550100001,new=+15550100002", "--seed", "1", "--no-report")
UNDECIDED = 5  # by so few calls
QUICK = ("--calls-per-second", "20", "--hold", "0.5", "--warm-up", "1", "--setup-timeout", "5")


def test_a_run_against_one_s_own_trunk_leaves_a_complete_folder(
    locust_command: LocustCommand, sipp: Answering
) -> None:
    """Every dial has its record, every file is valid, and the arms had the numbers they were given."""
    trunk = sipp("answer")

    locust_command.start("--trunk", trunk.uri, *NUMBERS, *QUICK, "--calls", "8")
    code, output = locust_command.end()

    folder = locust_command.folder()
    assert code == json.loads((folder / "summary.json").read_text())["exit_code"], output
    run = json.loads((folder / "run.json").read_text())
    jsonschema.validate(run, schema("run"))
    assert (run["state"], run["trunk"]["kind"], run["observe"]) == ("complete", "remote", "off")
    for name in ("calls", "health"):
        for line in lines(folder / f"{name}-0.jsonl"):
            jsonschema.validate(line, schema(name))
    records = locust_command.records()
    assert {record["outcome"] for record in records} == {"answered"}
    assert sorted((record["arm"], record["warm_up"]) for record in records) == sorted(
        [("old", False), ("new", False)] * 4 + [("old", True), ("new", True)]
    )
    assert {record["number"] for record in records if record["arm"] == "new"} == {"+15550100002"}
    assert "ring-to-answer" in output
    assert_all_gone(locust_command.relatives())


def test_ctrl_c_hangs_up_and_keeps_every_record(locust_command: LocustCommand, sipp: Answering) -> None:
    """The calls that were up end by BYE, the run is marked cut, and the exit code is 130."""
    trunk = sipp("answer")
    locust_command.start(
        "--trunk", trunk.uri, *NUMBERS, "--calls", "1000", "--calls-per-second", "10", "--hold", "60"
    )
    seen = locust_command.wait_for("Placing")
    health = locust_command.folder() / "health-0.jsonl"
    wait_until(lambda: any(line["calls_up"] >= 10 for line in lines(health)))

    os.killpg(locust_command.process.pid, signal.SIGINT)
    locust_command.wait_for("Interrupted")
    os.kill(locust_command.process.pid, signal.SIGINT)  # as a wrapper passes it on
    code, output = locust_command.end()

    assert code == 130, "".join(seen) + output
    run = json.loads((locust_command.folder() / "run.json").read_text())
    assert run["state"] == "cut"
    records = locust_command.records()
    answered = [record for record in records if record["outcome"] == "answered"]
    assert answered
    assert all(record["bye_answered_s"] is not None for record in answered)
    assert {record["ended_by"] for record in records} == {"tester"}
    assert lines(locust_command.folder() / "calls-0.jsonl")[-1] == {"closed": True, "count": len(records)}
    assert_all_gone(locust_command.relatives())


def test_a_killed_tester_leaves_nothing_behind(locust_command: LocustCommand, sipp: Answering) -> None:
    """SIGKILL of the locust process alone takes its phones with it, and keeps the finished calls."""
    trunk = sipp("answer")
    locust_command.start("--trunk", trunk.uri, *NUMBERS, *QUICK, "--calls", "10000")
    locust_command.wait_for("Placing")
    calls = locust_command.folder() / "calls-0.jsonl"
    wait_until(lambda: calls.read_bytes().count(b"\n") >= 5)
    relatives = locust_command.relatives()

    locust_command.process.kill()

    locust_command.process.wait()
    assert_all_gone(relatives)
    assert len(locust_command.records()) >= 4


def test_a_trunk_that_is_not_there_is_one_sentence_and_exit_code_1(locust_command: LocustCommand) -> None:
    """It names the address, and nothing was dialled."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        uri = f"sip:127.0.0.1:{taken.getsockname()[1]}"

    locust_command.start("--trunk", uri, *NUMBERS)
    code, output = locust_command.end()

    assert code == 1
    assert f"nothing takes calls at {uri}" in output
    assert "Traceback" not in output


def test_a_run_gives_up_on_a_trunk_that_fails_every_call(
    locust_command: LocustCommand, sipp: Answering
) -> None:
    """`--stop-after-failures` ends it early, and the folder says why."""
    trunk = sipp("busy")

    locust_command.start(
        "--trunk", trunk.uri, *NUMBERS, *QUICK, "--calls", "500", "--stop-after-failures", "5"
    )
    code, output = locust_command.end()

    assert code not in (0, 1), output
    run = json.loads((locust_command.folder() / "run.json").read_text())
    assert run["state"] == "cut"
    assert "5 calls in a row failed" in run["stop_reason"]
    assert len(locust_command.records()) < 50


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--calls", "-1"], "--calls cannot be -1"),
        (["--calls", "many"], "--calls"),
        (["--trunk", "sip:trunk.example.net", *NUMBERS], "--allow-remote"),
        (["--trunk", "sip:trunk.example.net", *NUMBERS, "--allow-remote"], "add --yes"),
        (["--filter-fault", "loud"], "--filter-fault cannot be 'loud'"),
        (["--arms", "a=unknown-kind"], "--arms cannot be"),
        (["--trunk", "sip:127.0.0.1:9", "--numbers", "+1", "--gates", "x"], "--gates cannot be 'x'"),
    ],
)
def test_a_wrong_option_ends_with_2_before_the_first_call(
    locust_command: LocustCommand, words: list[str], sentence: str
) -> None:
    """One sentence with the option and its value; no traceback, no call."""
    locust_command.start(*words)
    code, output = locust_command.end()

    assert code == 2, output
    assert sentence in output
    assert "Traceback" not in output


def test_more_calls_than_the_file_descriptors_do_for_are_refused_before_the_first_call(
    locust_command: LocustCommand,
) -> None:
    """On a machine that allows 1024 of them; the sentence says for how many calls they do."""
    locust_command.start(
        *("--trunk", "sip:127.0.0.1:9", *NUMBERS, "--calls", "6000", "--calls-per-second", "1000"),
        *("--hold", "60", "--max-concurrent", "5000"),
        before=("sh", "-c", 'ulimit -n 1024 && exec "$0" "$@"'),
    )
    code, output = locust_command.end()

    assert code == 2, output
    assert "--max-concurrent cannot be 5000" in output
    assert "1024 file descriptors (ulimit -Hn) do for" in output
    assert "Traceback" not in output


def test_the_web_interface_runs_one_test_after_another(
    locust_command: LocustCommand, sipp: Answering
) -> None:
    """Options come from its form, its charts show each arm, its stop button drains, and Ctrl-C ends it."""
    trunk = sipp("answer")
    port = free_port(socket.SOCK_STREAM)
    locust_command.start("--trunk", trunk.uri, *NUMBERS, *QUICK, "--web-port", str(port), headless=False)
    locust_command.wait_for("Starting web interface")
    page = f"http://127.0.0.1:{port}"
    wait_until(lambda: _answers(page))

    _post(f"{page}/swarm", "user_count=1&spawn_rate=1&calls=6")
    first = locust_command.wait_for("summary.json")
    shown = json.loads(_get(f"{page}/stats/requests"))["stats"]
    _post(f"{page}/swarm", "user_count=1&spawn_rate=1&calls=100000")
    locust_command.wait_for("Placing")
    wait_until(lambda: len(locust_command.records()) >= 10)
    _post(f"{page}/stop", "")
    locust_command.wait_for("summary.json")
    os.killpg(locust_command.process.pid, signal.SIGINT)
    code, output = locust_command.end()

    assert {row["name"]: row["num_requests"] for row in shown} == {"old": 3, "new": 3, "Aggregated": 6}
    assert json.loads((locust_command.folder() / "run.json").read_text())["stop_reason"] == "stopped by hand"
    assert {record["outcome"] for record in locust_command.records()} == {"answered"}
    assert code == 130, output
    assert "Traceback" not in "".join(first) + output
    assert_all_gone(locust_command.relatives())


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        page: bytes = answer.read()
    return page


def _post(url: str, form: str) -> None:
    urllib.request.urlopen(url, data=form.encode(), timeout=30).close()


def _answers(url: str) -> bool:
    try:
        return bool(_get(url))
    except OSError:
        return False


def test_a_web_port_that_is_taken_is_refused(locust_command: LocustCommand) -> None:
    """Without --headless there is a web interface, and its port may be somebody else's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        locust_command.start("--web-port", str(port), headless=False)
        code, output = locust_command.end()

    assert code == 2, output
    assert f"--web-port cannot be {port}" in output
    assert "Traceback" not in output


def test_an_unknown_gate_is_refused_before_the_first_call(
    locust_command: LocustCommand, sipp: Answering
) -> None:
    """What gates there are is the analysis's to say, and it is asked in time."""
    locust_command.start("--trunk", sipp("answer").uri, *NUMBERS, "--gates", "charm<=1")
    code, output = locust_command.end()

    assert code == 2, output
    assert "charm" in output
    assert not list(Path(locust_command.folder()).glob("calls-*.jsonl"))


@pytest.mark.slow
def test_a_run_is_held_against_a_kept_one_and_an_unlike_one_is_not_called(
    locust_command: LocustCommand, sipp: Answering
) -> None:
    """Its report judges what changed; with another hold not one call is placed."""
    media = ("--media", "pjsua2")  # whose voice SIPp echoes at once
    call = ("--trunk", sipp("answer").uri, *NUMBERS, *QUICK, *media, "--calls", "8")
    locust_command.start(*call)
    assert locust_command.end()[0] == UNDECIDED
    before = locust_command.folder()
    locust_command.start(*call, "--baseline", str(before / "summary.json"))
    held, output = locust_command.end()
    assert held == UNDECIDED, output
    summary = json.loads((locust_command.folder() / "summary.json").read_text())
    locust_command.start(*call, "--hold", "1", "--baseline", str(before))
    code, refused = locust_command.end()

    assert [each["run_id"] for each in summary["regression"]["baselines"]] == [before.name], output
    judged = {gate["name"] for gate in summary["gates"]}
    assert {"regression_rmst_s", "regression_not_answered"} <= judged
    assert code == 2, refused
    assert "differ in hold (0.5 there, 1.0 here)" in refused
    assert not list(locust_command.folder().glob("calls-*.jsonl"))
