"""A run whose calls are placed by several Locust workers: what is kept, what is lost, what is left."""

import json
import os
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sip.trunk import Trunk
from tests.locust_command import LocustCommand, assert_all_gone, lines, schema, wait_until
from tests.sip.conftest import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

Answering = Callable[..., Trunk]
Workers = Callable[..., LocustCommand]
CALLS = ("--numbers", "old=1,new=2", "--seed", "1", "--no-report", "--warm-up", "1", "--setup-timeout", "5")
NOT_VALID = 4


@pytest.fixture
def master_port() -> str:
    """A free port of TCP."""
    return str(free_port(socket.SOCK_STREAM))


@pytest.fixture
def worker(tmp_path: Path, master_port: str) -> Iterator[Workers]:
    """`worker(before=[…])` starts a Locust worker for the master of `master_port`."""
    with ExitStack() as ended:

        def start(*, runs: Path = tmp_path / "runs", before: tuple[str, ...] = ()) -> LocustCommand:
            command = LocustCommand(runs)
            command.start(
                "--worker", "--master-host", "127.0.0.1", "--master-port", master_port, before=before
            )
            ended.callback(command.process.communicate)
            ended.callback(lambda: [process.kill() for process in command.relatives()])
            return command

        yield start


def as_master(port: str, workers: int) -> tuple[str, ...]:
    """The options of a master that begins when so many workers are there."""
    place = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port)
    return ("--master", *place, "--expect-workers", str(workers))


def calls_by_two_processes(locust_command: LocustCommand, trunk: Trunk, port: str) -> Path:
    """One command that forks two workers, whose calls last longer than any test; the run's folder.

    The usual port of a master may be another test's.
    """
    rate = ("--calls", "1000", "--calls-per-second", "10", "--hold", "60")
    processes = ("--processes", "2", "--master-bind-port", port, "--master-port", port)
    locust_command.start("--trunk", trunk.uri, *CALLS, *rate, *processes)
    locust_command.wait_for("by 2 workers")
    return locust_command.folder()


def all_records(folder: Path) -> list[dict[str, Any]]:
    """The records of all workers; every line of them is what the schema says."""
    found = []
    for file in sorted(folder.glob("calls-*.jsonl")):
        for line in lines(file):
            jsonschema.validate(line, schema("calls"))
            found.append(line)
    return [line for line in found if "call_id" in line]


def test_a_killed_worker_loses_its_own_calls_and_no_dial_is_without_a_record(
    locust_command: LocustCommand, worker: Workers, sipp: Answering, master_port: str
) -> None:
    """Three workers share the plan; one is killed in the middle, and its share is reported as dropped."""
    workers = [worker() for _ in range(3)]
    rate = ("--calls", "9000", "--calls-per-second", "10", "--hold", "0.5")
    locust_command.start("--trunk", sipp("answer").uri, *CALLS, *rate, *as_master(master_port, 3))
    locust_command.wait_for("by 3 workers")
    folder = locust_command.folder()
    wait_until(lambda: len(all_records(folder)) >= 15)

    victim = next(iter(lines(folder / "health-1.jsonl")))["processes"][0]["pid"]
    os.kill(victim, signal.SIGKILL)
    locust_command.wait_for("Worker 1")
    os.kill(locust_command.process.pid, signal.SIGINT)

    code, output = locust_command.end()
    for each in workers:
        each.end()
    assert code == 130, output
    records = all_records(folder)
    numbers = Counter(int(record["call_id"].rpartition("-")[2]) for record in records)
    assert set(numbers.values()) == {1}
    settled = max(numbers) - 30  # before what was due as the run was cut
    assert set(range(settled)) <= set(numbers)
    lost = [record for record in records if record["error"] == "dropped: lost with worker 1"]
    assert len(lost) >= 10
    assert all(int(record["call_id"].rpartition("-")[2]) % 3 == 1 for record in lost)
    assert {record["outcome"] for record in lost} == {"tester_failed"}
    run = json.loads((folder / "run.json").read_text())
    assert (run["workers"], run["state"]) == (["0", "1", "2"], "cut")
    assert run["dropped_dials"] >= len(lost)
    summary = json.loads((folder / "summary.json").read_text())
    failed = {check["name"] for check in summary["validity"] if not check["ok"]}
    assert {"dropped dials", "worker files not closed or not counted"} <= failed
    assert_all_gone([process for each in (locust_command, *workers) for process in each.relatives()])


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a mount of its own takes root")
def test_a_worker_that_cannot_see_the_masters_folder_sends_its_files(
    locust_command: LocustCommand, worker: Workers, sipp: Answering, master_port: str, tmp_path: Path
) -> None:
    """On another machine it writes into a folder of its own; the master's copy is the same, byte for byte."""
    runs, own = locust_command.runs, tmp_path / "own"
    for folder in (runs, own):
        folder.mkdir()
    hidden = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(runs))
    far = worker(runs=own, before=hidden)
    worker()
    rate = ("--calls", "28", "--calls-per-second", "10", "--hold", "0.3")
    locust_command.start("--trunk", sipp("answer").uri, *CALLS, *rate, *as_master(master_port, 2))
    code, output = locust_command.end()
    far.end()

    folder = locust_command.folder()
    (there,) = own.iterdir()
    assert there.name == folder.name
    sent = sorted(file.name for file in there.glob("*.jsonl"))
    assert len(sent) == 2, sent
    assert all((folder / name).read_bytes() == (there / name).read_bytes() for name in sent)
    records = all_records(folder)
    assert Counter(record["outcome"] for record in records) == {"answered": 30}, output
    assert code != NOT_VALID or "not closed" not in output
    header = lines(folder / sent[0])[0]
    assert abs(header["master_offset_s"]) <= header["master_offset_error_s"] + 0.01  # one clock


@pytest.mark.slow
def test_ctrl_c_ends_the_calls_of_all_processes_and_keeps_every_record(
    locust_command: LocustCommand, sipp: Answering, master_port: str
) -> None:
    """With --processes the terminal's signal reaches master and workers alike."""
    folder = calls_by_two_processes(locust_command, sipp("answer"), master_port)
    health = [folder / f"health-{index}.jsonl" for index in range(2)]
    wait_until(
        lambda: all(file.exists() and any(line["calls_up"] >= 5 for line in lines(file)) for file in health)
    )
    relatives = locust_command.relatives()

    os.killpg(locust_command.process.pid, signal.SIGINT)
    code, output = locust_command.end()

    assert code == 130, output
    assert "Traceback" not in output
    records = all_records(folder)
    answered = [record for record in records if record["outcome"] == "answered"]
    assert len(answered) >= 10
    assert all(record["bye_answered_s"] is not None for record in answered)
    assert {record["ended_by"] for record in records} == {"tester"}
    assert json.loads((folder / "run.json").read_text())["state"] == "cut"
    assert [lines(file)[-1].get("closed") for file in sorted(folder.glob("calls-*.jsonl"))] == [True, True]
    assert_all_gone(relatives)


@pytest.mark.slow
def test_a_killed_master_takes_the_processes_that_it_forked_with_it(
    locust_command: LocustCommand, sipp: Answering, master_port: str
) -> None:
    """They hang up first: every record is there, and each file is closed."""
    folder = calls_by_two_processes(locust_command, sipp("answer"), master_port)
    wait_until(lambda: (folder / "health-1.jsonl").exists() and (folder / "health-0.jsonl").exists())
    relatives = locust_command.relatives()

    locust_command.process.kill()

    assert_all_gone(relatives, within_s=30)
    assert [lines(file)[-1].get("closed") for file in sorted(folder.glob("calls-*.jsonl"))] == [True, True]


def test_a_search_is_not_placed_by_workers(locust_command: LocustCommand) -> None:
    """One sentence that names the option, before anything starts."""
    locust_command.start("--processes", "2", locustfile="locustfiles/capacity.py")
    code, output = locust_command.end()

    assert code == 2, output
    assert "one process places all of a search's calls" in output
    assert "Traceback" not in output


def test_a_share_that_a_worker_cannot_take_ends_the_run_with_its_reason(
    locust_command: LocustCommand, worker: Workers, sipp: Answering, master_port: str
) -> None:
    """The digest password does not travel: a worker without it says so, and nothing is dialled."""
    worker()
    user = ("--sip-user", "alice")
    place = as_master(master_port, 1)
    password = {"RINGTIME_SIP_PASSWORD": "secret"}
    locust_command.start("--trunk", sipp("answer").uri, *CALLS, *user, *place, environment=password)
    code, output = locust_command.end()

    assert code == 1, output
    assert "RINGTIME_SIP_PASSWORD" in output
    assert "Worker 0" in output
    written = [file.read_bytes() for file in locust_command.runs.rglob("*") if file.is_file()]
    assert written
    assert not any(b"secret" in text for text in written)
