"""Workers behind the pool: growth, pacing, death, gevent, nothing left behind; SIPp is the far end."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from sip import wire
from sip.access import Access, Address, Block
from sip.campaign import Campaign
from sip.errors import PhoneError
from sip.media import Media
from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from sip.trunk import Trunk
from sip.vital_signs import VitalSigns
from tests.sip.conftest import SILENT, wait_until

Answering = Callable[..., Trunk]
Place = Callable[..., list[CallRecord]]
PROMPT = "../../../benchmarks/sipp/prompt"  # a far end that does not keep one waiting
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]


def outcomes(records: list[CallRecord]) -> dict[Outcome, int]:
    """How many records each outcome has."""
    return dict(Counter(record.outcome for record in records))


def test_a_silent_far_end_holds_no_line_for_longer_than_the_limits(place: Place, tmp_path: Path) -> None:
    """Eight calls in a row on four lines to a socket that nobody reads: no response, and none was dropped."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        trunk = Trunk.parse(f"sip:127.0.0.1:{deaf.getsockname()[1]}")
        with Pool(trunk, log_folder=tmp_path, max_concurrent=4) as pool:
            records = place(pool, 8, rate=2.0, **SILENT)

    assert outcomes(records) == {Outcome.NO_RESPONSE: 8}
    assert all(record.ringing_s is None and record.status_is_local for record in records)


def test_a_line_that_was_just_freed_takes_the_next_call(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """Sixteen refused calls on four lines, one close after the other: none is lost."""
    with Pool(sipp("refuse"), log_folder=tmp_path, max_concurrent=4) as pool:
        records = place(pool, 16, rate=12.0)

    assert outcomes(records) == {Outcome.TRUNK_LIMIT: 16}


def test_a_worker_goes_on_beyond_the_ports_of_its_conference_bridge(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """It has 254, one for each answered call; were none given back the stack would hang up at once."""
    with Pool(sipp(PROMPT), log_folder=tmp_path, max_concurrent=4, media=Media.NONE) as pool:
        records = place(pool, 270, rate=60.0, hold_s=0.02)

    assert outcomes(records) == {Outcome.ANSWERED: 270}
    assert min((record.bye_s or 0.0) - (record.answered_s or 0.0) for record in records) >= 0.02


def test_fifty_calls_at_once_are_all_answered_and_recorded(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """The pool grows from four lines to what the load needs; nothing is lost and no worker is replaced."""
    peak = 0

    def watch(campaign: Campaign) -> None:
        nonlocal peak
        peak = max(peak, campaign.calls_up)

    with Pool(sipp("answer"), log_folder=tmp_path, concurrent=20) as pool:
        records = place(pool, 60, rate=20.0, hold_s=3.0, during=watch)
        health = pool.health()

    assert outcomes(records) == {Outcome.ANSWERED: 60}
    assert peak >= 50
    assert all(record.rtp is not None and record.rtp.received > 0 for record in records)
    assert health.restarts == 0
    assert health.loop_lag_s is not None
    names = [load.name for load in health.processes]
    assert names[0] == "zygote"
    assert len(names) >= 14  # 13 workers hold 52 calls


@pytest.mark.parametrize(("by", "end"), [(signal.SIGABRT, "died"), (signal.SIGSTOP, "froze")])
def test_a_worker_that_dies_or_freezes_loses_its_own_calls_only_and_is_replaced(
    by: signal.Signals, end: str, sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """Its calls end as the tester's failure, the others go on, and later calls find all lines again."""
    victims: list[int] = []

    def kill_one(campaign: Campaign) -> None:
        if campaign.calls_up >= 8 and not victims:
            victims.append(pool._workers()[0].pid or 0)
            os.kill(victims[0], by)

    with Pool(sipp("answer"), log_folder=tmp_path, concurrent=4, max_concurrent=8) as pool:
        hold_s = 8.0 if end == "froze" else 2.0
        records = place(pool, 8, hold_s=hold_s, ring_timeout_s=20.0, setup_timeout_s=20.0, during=kill_one)
        while len(pool.health().processes) < 3:  # zygote and two workers
            pool.wait(0.1)
            pool.events()
        again = place(pool, 4)
        restarts = pool.health().restarts

    lost = [record for record in records if record.outcome is Outcome.TESTER_FAILED]
    assert 1 <= len(lost) <= 4
    assert outcomes(records)[Outcome.ANSWERED] == 8 - len(lost)
    assert {record.error for record in lost} == {f"worker {end}: see worker-0.log"}
    assert outcomes(again) == {Outcome.ANSWERED: 4}
    assert restarts == 1


def test_a_worker_that_was_killed_leaves_its_addresses_to_the_next(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """Each line has one of the block; only its own calls are lost, later ones are made from all of them."""
    access = Access((Block("clean", "127.64.0.1", count=6),))
    six = {f"127.64.0.{number}" for number in range(1, 7)}
    victims: set[str] = set()

    def kill_one(campaign: Campaign) -> None:
        if campaign.calls_up == 6 and not victims:
            victims.update(pool._workers()[0].calls)
            os.kill(pool._workers()[0].pid or 0, signal.SIGKILL)

    with Pool(sipp("answer"), log_folder=tmp_path, access=access, concurrent=8) as pool:
        before = _addresses(pool)
        records = place(pool, 6, rate=20.0, hold_s=1.5, during=kill_one)
        wait_until(lambda: pool.events() == [] and _addresses(pool) == six)
        again = place(pool, 6, rate=20.0)
        restarts = pool.health().restarts

    assert before == six
    assert outcomes(records) == {Outcome.TESTER_FAILED: len(victims), Outcome.ANSWERED: 6 - len(victims)}
    assert outcomes(again) == {Outcome.ANSWERED: 6}
    assert restarts == 1


def _addresses(pool: Pool) -> set[str]:
    """Where the workers that are ready have bound their SIP transports."""
    return {one.laddr.ip for one in udp_sockets(pool)}


def udp_sockets(pool: Pool) -> list[Any]:
    """Those of the workers that are ready."""
    pids = [worker.pid for worker in pool._workers() if worker.pid]
    return [one for pid in pids for one in psutil.Process(pid).net_connections("udp4")]


@pytest.mark.parametrize("by", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.slow)])
def test_calls_outlive_the_zygote_and_another_makes_the_next_workers(
    by: signal.Signals, sipp: Answering, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call is lost with one that died or froze, and a worker that dies after it is replaced as ever."""
    killed: list[int] = []

    def kill_it(campaign: Campaign) -> None:
        if campaign.calls_up == 2 and not killed:
            killed.append(pool.health().processes[0].pid)
            os.kill(killed[0], by)

    with Pool(sipp("answer"), log_folder=tmp_path, max_concurrent=4) as pool:
        monkeypatch.setattr("sip.pool.STUCK_LOOKS", 5)
        during = place(pool, 2, hold_s=1.0, during=kill_it)
        (worker,) = pool._workers()
        os.kill(worker.pid or 0, signal.SIGKILL)
        wait_until(lambda: pool.events() == [] and [w.pid for w in pool._workers()] != [worker.pid])
        wait_until(lambda: pool.events() == [] and all(w.pid for w in pool._workers()), within_s=60.0)
        again = place(pool, 2)

    assert outcomes(during) == {Outcome.ANSWERED: 2}
    assert outcomes(again) == {Outcome.ANSWERED: 2}


def test_a_run_that_is_cut_hangs_up_and_cancels_its_calls(
    sipp: Answering, place: Place, tmp_path: Path
) -> None:
    """All records are there long before the hold would have ended."""
    began_s = time.monotonic()

    def cut(campaign: Campaign) -> None:
        if campaign.calls_up == 3 and time.monotonic() - began_s > 1.0:
            campaign.abort(time.monotonic())

    with Pool(sipp("answer"), log_folder=tmp_path, concurrent=4) as pool:
        began_s = time.monotonic()
        records = place(pool, 3, hold_s=30.0, ring_timeout_s=30.0, during=cut)

    assert outcomes(records) == {Outcome.ANSWERED: 3}
    assert {record.ended_by for record in records} == {"tester"}
    assert all(record.bye_answered_s is not None for record in records)


def test_closing_the_pool_leaves_no_process(sipp: Answering, tmp_path: Path) -> None:
    """Also with calls up, which are hung up."""
    with Pool(sipp("answer"), log_folder=tmp_path, concurrent=8) as pool:
        zygote = psutil.Process(pool.health().processes[0].pid)
        family = [zygote, *zygote.children(recursive=True)]

    assert len(family) >= 3
    assert psutil.wait_procs(family, timeout=5)[1] == []


OPEN_AND_SLEEP = """
import sys, time, pathlib
from sip.pool import Pool
from sip.trunk import Trunk
with Pool(Trunk.parse("sip:127.0.0.1:9"), log_folder=pathlib.Path(sys.argv[1]), concurrent=8) as pool:
    print(pool.health().processes[0].pid, flush=True)
    sys.stdin.read()
"""


def test_every_process_dies_with_the_tester(tmp_path: Path) -> None:
    """Killed by SIGKILL, it cannot close anything: the kernel does, with workers that are stopped as well."""
    with subprocess.Popen(
        [sys.executable, "-c", OPEN_AND_SLEEP, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tester:
        assert tester.stdout is not None
        zygote = psutil.Process(int(tester.stdout.readline()))
        workers = zygote.children(recursive=True)
        workers[0].suspend()
        tester.kill()

    assert len(workers) >= 2
    assert psutil.wait_procs([zygote, *workers], timeout=5)[1] == []


FORKLESS = """
import errno, os, sys
from sip import zygote
def fork():
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
os.fork = fork
zygote.main()
"""


def test_a_system_without_room_for_another_process_is_no_end_of_the_zygote(tmp_path: Path) -> None:
    """Of each worker that cannot be made the pool hears at once, by its socket's end; the log says why."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    spec = wire.WorkerSpec("worker-0", 0, Trunk("h"), (Address(""),), True, 0, 0, 0, "v.wav", "w.log")
    signs = VitalSigns.create()
    with (
        control,
        contextlib.closing(signs),
        subprocess.Popen(
            [sys.executable, "-c", FORKLESS, str(theirs.fileno()), "0", str(signs.descriptor)],
            pass_fds=[theirs.fileno(), signs.descriptor],
            stderr=subprocess.PIPE,
            text=True,
        ) as forkless,
    ):
        theirs.close()
        for _ in range(2):
            ours, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            socket.send_fds(control, [wire.encode([spec])], [end.fileno()])
            end.close()
            with ours:
                assert ours.recv(1) == b""
        control.close()
        _, said = forkless.communicate(timeout=20)

    assert said.count("no worker can be forked: Resource temporarily unavailable") == 2


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import collections, json, pathlib, sys, time
import gevent
from sip.phase import Limits
from sip.campaign import Campaign, Settings
from sip.plan import Plan
from sip.pool import Pool
from sip.record import Epoch
from sip.trunk import Trunk

ticks = 0
def tick():
    global ticks
    while True:
        gevent.sleep(0.05)
        ticks += 1
gevent.spawn(tick)
records = []
with Pool(Trunk.parse(sys.argv[1]), log_folder=pathlib.Path(sys.argv[2]), concurrent=8) as pool:
    epoch = Epoch.now()
    plan = Plan(calls=8, calls_per_second=10, arms=("a",), seed=1)
    settings = Settings(run_id="run", numbers={"a": "100"}, limits=Limits(hold_s=1.0))
    keep = records.append
    start_s, worker = epoch.monotonic, "w"
    campaign = Campaign(pool, settings, epoch=epoch, worker=worker, on_record=keep)
    campaign.place(plan.dials(), start_s=start_s)
    while not campaign.done:
        pool.wait(campaign.step(time.monotonic()) - time.monotonic())
print(json.dumps([ticks, collections.Counter(record.outcome for record in records)]))
"""


def test_the_pool_works_under_gevent_without_blocking_its_hub(sipp: Answering, tmp_path: Path) -> None:
    """With everything patched, as Locust does, other greenlets run on while the pool waits."""
    command = [sys.executable, "-c", UNDER_GEVENT, sipp("answer").uri, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=40)

    assert done.returncode == 0, done.stderr
    ticks, counts = json.loads(done.stdout)
    assert counts == {"answered": 8}
    assert ticks >= 10


def test_phones_that_cannot_start_are_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the folder of the logs in which the reason is."""
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(PhoneError, match=f"see {re.escape(str(tmp_path))}"):
        Pool(Trunk.parse("sip:127.0.0.1:9"), log_folder=tmp_path).open()
