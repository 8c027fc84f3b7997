"""SIPp, the yardstick: as the far end of calls, and as the caller that others are held against."""

import csv
import os
import shutil
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.errors import BenchmarkError
from sip.priority import raised_priority

_HOST = "127.0.0.1"
_SCENARIOS = Path(__file__).parent
_READY_WITHIN_S = 10.0
_NICE = -10
_SLOWER = 1.02  # than its rate, where it keeps it
_LASTS_S = 2.0  # its start, and its last call
_STREAMS_END_WITHIN_S = 40.0  # the last retransmission of a BYE included
_STARTS = 5  # a port that was free may be taken before SIPp binds it, and then it ends


@contextmanager
def answering(folder: Path, scenario: str = "answer", *, echo: bool = False) -> Iterator[int]:
    """A SIPp that rings and answers every call; gives its port.

    As `answer` it takes its time, as `prompt` none; with `echo` the RTP that comes goes back.

    Raises:
        BenchmarkError: It is not installed, or does not start.
    """
    for _ in range(_STARTS):
        port = _free_port()
        process = _start(scenario, ["-p", str(port), *(["-rtp_echo"] if echo else [])], folder)
        # It stands for another machine, which no load of this one keeps waiting, and which keeps no tester
        # waiting either: before ordinary processes and behind those of testers.
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        try:
            if _listens(process, port):
                yield port
                return
        finally:
            process.kill()
            process.wait()
    raise BenchmarkError(f"SIPp does not start: {_words(folder)}")


def response_times_ms(
    port: int, *, calls: int, calls_per_second: float, folder: Path
) -> Mapping[str, Sequence[float]]:
    """Have SIPp make the calls; what it took `post_dial_delay` and `ring_to_answer` to be, as they came.

    Raises:
        BenchmarkError: A call failed.
    """
    seconds = calls / calls_per_second + 20
    more = ["-m", str(calls), "-r", f"{calls_per_second:g}", "-timeout", f"{seconds:.0f}s"]
    options = [f"{_HOST}:{port}", *more, "-trace_rtt", "-rtt_freq", "1"]
    with _calling("call", options, folder, within_s=seconds + 10) as process:
        pass
    found = defaultdict(list)
    with (folder / f"call_{process.pid}_rtt.csv").open(newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            found[row["rtd_no"]].append(float(row["response_time_ms"]))
    return found


def keeps(port: int, *, calls: int, calls_per_second: float, folder: Path) -> bool:
    """Whether SIPp makes the calls without losing one, and in the time that they take at that rate."""
    seconds = calls / calls_per_second
    # Without -l it makes fewer at once than the rate needs, silently.
    more = ["-m", str(calls), "-r", f"{calls_per_second:g}", "-l", str(calls)]
    with raised_priority():
        process = _start("call", [f"{_HOST}:{port}", *more], folder)
    try:
        return process.wait(seconds * _SLOWER + _LASTS_S) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        process.kill()
        process.wait()


@contextmanager
def streaming(
    port: int, *, calls: int, calls_per_second: float, hold_s: float, folder: Path
) -> Iterator[psutil.Process]:
    """A SIPp whose calls send RTP, `stream.ulaw` of the folder over and over, and never read what comes.

    The block's end waits for that of the calls.

    Raises:
        BenchmarkError: A call failed, or they came to no end.
    """
    more = ["-m", str(calls), "-r", f"{calls_per_second:g}", "-l", str(calls), "-d", f"{1000 * hold_s:.0f}"]
    within_s = calls / calls_per_second + hold_s + _STREAMS_END_WITHIN_S
    with _calling("stream", [f"{_HOST}:{port}", *more], folder, within_s=within_s) as process:
        yield psutil.Process(process.pid)


@contextmanager
def _calling(
    scenario: str, options: Sequence[str], folder: Path, *, within_s: float
) -> Iterator["subprocess.Popen[bytes]"]:
    """A SIPp that calls; the block's end waits for its own, and raises BenchmarkError where it failed."""
    with raised_priority():  # as ringtime's own processes have
        process = _start(scenario, options, folder)
    try:
        yield process
        status = process.wait(within_s)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        process.kill()
        process.wait()
    if status != 0:
        raise BenchmarkError(f"SIPp's calls failed (exit code {status}): {_words(folder)}")


def _start(scenario: str, options: Sequence[str], folder: Path) -> "subprocess.Popen[bytes]":
    if shutil.which("sipp") is None:
        raise BenchmarkError("SIPp is not installed: run `make sipp`")
    command = ["sipp", "-sf", str(_SCENARIOS / f"{scenario}.xml"), "-i", _HOST, "-mi", _HOST, *options]
    command += ["-mp", str(_free_port()), "-cp", str(_free_port()), "-nostdin"]
    command += ["-trace_err", "-error_file", "errors.log"]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _listens(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Whether it came to hold the port; not where it ended first."""
    until_s = time.monotonic() + _READY_WITHIN_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            if any(each.laddr.port == port for each in psutil.Process(process.pid).net_connections("udp")):
                return True
        except psutil.Error:
            return False
        time.sleep(0.02)
    return False


def _words(folder: Path) -> str:
    """The first line of its errors: what follows is often the whole message that it did not expect."""
    errors = folder / "errors.log"
    return (
        next(iter(errors.read_text(errors="replace").splitlines()), "")
        if errors.exists()
        else "it says nothing"
    )


def _free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
