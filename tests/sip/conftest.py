"""SIPp as the answering side, for the tests that place real calls."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from sip.trunk import Trunk

SCENARIOS = Path(__file__).parent / "sipp"
READY_WITHIN_S = 10.0
Answering = Callable[..., Trunk]


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


@pytest.fixture
def sipp(tmp_path: Path) -> Iterator[Answering]:
    """`sipp(scenario, transport="udp")` starts a SIPp that plays the scenario in every call."""
    with ExitStack() as started:

        def start(scenario: str, transport: str = "udp") -> Trunk:
            kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
            port = free_port(kind)
            command = ["sipp", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(port)]
            command += ["-mi", "127.0.0.1", "-mp", str(free_port()), "-rtp_echo", "-cp", str(free_port())]
            command += [
                "-t",
                "u1" if transport == "udp" else "t1",
                "-nostdin",
                "-trace_err",
                "-error_file",
                "errors.log",
            ]
            process = subprocess.Popen(
                command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            started.callback(process.wait)
            started.callback(process.kill)
            seen = psutil.Process(process.pid)
            wait_until(lambda: any(c.laddr.port == port for c in seen.net_connections("inet")))
            return Trunk.parse(f"sip:127.0.0.1:{port};transport={transport}")

        yield start
