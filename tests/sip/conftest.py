"""SIPp as the answering side and a small campaign, for the tests that place real calls."""

import dataclasses
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from sip.campaign import Campaign, Settings
from sip.phase import Limits
from sip.plan import Arrivals, Plan
from sip.pool import Pool
from sip.record import CallRecord, Epoch
from sip.trunk import Trunk

SCENARIOS = Path(__file__).parent / "sipp"
READY_WITHIN_S = 10.0
STARTS = 5  # a port that was free may be taken before SIPp binds it, and then it ends
# The hold alone: on a busy machine a far end may need seconds. One that is to be silent is given less.
SHORT = Limits(ring_timeout_s=10.0, setup_timeout_s=10.0, hold_s=0.6)
SILENT = {"ring_timeout_s": 0.6, "setup_timeout_s": 0.6, "final_after_cancel_s": 0.4, "bye_answer_s": 0.4}
Answering = Callable[..., Trunk]
Place = Callable[..., list[CallRecord]]


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of 127.0.0.1 that nobody holds just now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(fact: Callable[[], bool], within_s: float = READY_WITHIN_S) -> None:
    """Return once `fact` holds; fail the test where it does not in time."""
    until_s = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < until_s, "it did not come true in time"
        time.sleep(0.01)


def _sipp(scenario: str, transport: str, port: int, folder: Path) -> "subprocess.Popen[bytes]":
    command = ["sipp", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(port)]
    command += ["-mi", "127.0.0.1", "-mp", str(free_port()), "-cp", str(free_port())]
    if scenario != "play":  # what is played and what is echoed may come from one port
        command.append("-rtp_echo")
    command += ["-t", "u1" if transport == "udp" else "t1", "-nostdin"]
    command += ["-trace_err", "-error_file", "errors.log"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _holds(process: "subprocess.Popen[bytes]", port: int) -> bool:
    try:
        return any(c.laddr.port == port for c in psutil.Process(process.pid).net_connections("inet"))
    except psutil.Error:  # it ends this very moment
        return False


@pytest.fixture
def sipp(tmp_path: Path) -> Iterator[Answering]:
    """`sipp(scenario, transport="udp")` starts a SIPp that plays the scenario in every call."""
    with ExitStack() as started:

        def start(scenario: str, transport: str = "udp") -> Trunk:
            kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
            for _ in range(STARTS):
                port = free_port(kind)
                process = _sipp(scenario, transport, port, tmp_path)
                started.callback(process.wait)
                started.callback(process.kill)
                wait_until(lambda: process.poll() is not None or _holds(process, port))  # noqa: B023 - called now
                if process.poll() is None:
                    return Trunk.parse(f"sip:127.0.0.1:{port};transport={transport}")
            errors = tmp_path / "errors.log"
            pytest.fail(
                f"SIPp does not start: {errors.read_text() if errors.exists() else 'it says nothing'}"
            )

        yield start


@pytest.fixture
def place() -> Place:
    """`place(pool, calls, rate=10, arrivals=…, profiles=…, during=…, hold_s=…)` plays a small campaign.

    The answer is its records in dial order.

    `during` is called with the campaign in every turn; the hold is short, and each limit can be given.
    """
    return make_calls


NUMBERS = {"a": "100", "b": "200"}


def make_calls(
    pool: Pool,
    calls: int = 2,
    *,
    rate: float = 10.0,
    arrivals: Arrivals = Arrivals.CONSTANT,
    numbers: Mapping[str, str] = NUMBERS,
    profiles: tuple[str, ...] = ("clean",),
    during: Callable[[Campaign], None] = lambda _: None,
    **limits: float,
) -> list[CallRecord]:
    """A small campaign; its records in dial order."""
    plan = Plan(
        calls=calls,
        calls_per_second=rate,
        arms=tuple(numbers),
        seed=1,
        arrivals=arrivals,
        profiles=profiles,
    )
    records: list[CallRecord] = []
    epoch = Epoch.now()
    campaign = Campaign(
        pool,
        Settings(run_id="run", numbers=numbers, limits=dataclasses.replace(SHORT, **limits)),
        epoch=epoch,
        worker="w",
        on_record=records.append,
    )
    campaign.place(plan.dials(), start_s=epoch.monotonic)
    while not campaign.done:
        pool.wait(min(campaign.step(time.monotonic()) - time.monotonic(), 0.2))
        during(campaign)
    return sorted(records, key=lambda record: record.due_s)
