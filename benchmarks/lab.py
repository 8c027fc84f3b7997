"""The whole lab at a steady rate of calls: ring-to-answer time, and what a call costs each part.

The peer is LiveKit's own livekit-sip, measured in the same run where it is on PATH or named.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.errors import BenchmarkError
from benchmarks.processes import cpu_by_role

_ROOT = Path(__file__).parents[1]
_EMBEDDED = "embedded"
_ARM = "bounded"
_WARM_UP = 4
_GONE_WITHIN_S = 20.0
_QUIET_CPU_S = 0.05  # in a look: what an idle lab uses
_QUIET_WITHIN_S = 30.0
_LOOK_EVERY_S = 1.0
_VERDICTS = (0, 3, 4, 5)  # of a run that was measured, whatever was found


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--calls-per-second", type=float, default=1.0, help="default: %(default)g")
    parser.add_argument(
        "--hold", type=float, default=4.0, metavar="S", help="from answer to hang-up (default: %(default)g)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="how long calls arrive (default: %(default)g)",
    )
    parser.add_argument(
        "--arrivals", choices=("constant", "poisson"), default="constant", help="default: %(default)s"
    )
    parser.add_argument(
        "--idle-processes", type=int, default=4, metavar="N", help="warm agents (default: %(default)d)"
    )
    parser.add_argument(
        "--livekit-sip",
        metavar="PATH",
        help="the peer of the embedded trunk; `embedded` for none (default: what is on PATH)",
    )


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One line for the embedded trunk, and one for livekit-sip where there is one.

    Raises:
        BenchmarkError: The lab did not come up, or the calls were not placed.
    """
    peer = options.livekit_sip or shutil.which("livekit-sip") or _EMBEDDED
    for trunk in dict.fromkeys((peer, _EMBEDDED)):
        with tempfile.TemporaryDirectory(prefix="ringtime-benchmark-") as folder:
            yield _one(options, trunk, Path(folder))


def role(command: Sequence[str]) -> str | None:
    """Which part of the lab a process is, by its command line; None for that of its parent."""
    words = " ".join(command)
    if "lab.trunk" in words or "livekit-sip" in Path(command[0] if command else "").name:
        return "trunk"
    if "lab.agent" in words:
        return "agent"
    if any(name in words for name in ("livekit-server", "redis-server")):
        return "server"
    return None


def _one(options: argparse.Namespace, trunk: str, folder: Path) -> dict[str, Any]:
    with _lab(options, trunk, folder / "lab") as (lab, announcement):
        supervisor = psutil.Process(lab.pid)

        def used() -> Mapping[str, float]:
            return cpu_by_role(supervisor, role, otherwise="supervisor")

        before = used()
        caller_cpu_s = _call(options, announcement, folder / "runs")
        _until_quiet(used)
        after = used()
    summary = json.loads((folder / "runs" / "latest" / "summary.json").read_text())
    figures = summary["arms"][_ARM]
    calls = figures["calls"]
    cpu_s = {"caller": caller_cpu_s} | {
        part: after[part] - before[part] for part in ("trunk", "agent", "server")
    }
    return {
        "trunk": announcement["trunk"]["kind"],
        "calls_per_s": options.calls_per_second,
        "hold_s": options.hold,
        "seconds": options.seconds,
        "calls": calls,
        "answered": figures["answered"],
        "ring_to_answer_p50_s": _value(figures["ring_to_answer_s"]["p50"]),
        "ring_to_answer_p95_s": _value(figures["ring_to_answer_s"]["p95"]),
        "cpu_s_per_call": {part: round(used_s / (calls + _WARM_UP), 3) for part, used_s in cpu_s.items()},
    }


def _value(figure: dict[str, Any]) -> float | None:
    value = figure["value"]
    return None if value is None else round(value, 3)


@contextmanager
def _lab(
    options: argparse.Namespace, trunk: str, folder: Path
) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """A lab that takes calls, with what it announced; it comes down when its standard input ends."""
    command = [sys.executable, "-m", "lab", "up", "--json", "--arms", _ARM, "--livekit-sip", trunk]
    command += ["--idle-processes", str(options.idle_processes), "--run-dir", str(folder)]
    lab = subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        announcement = json.loads((lab.stdout and lab.stdout.readline()) or "{}")
        if not announcement.get("ready"):
            raise BenchmarkError(f"the lab did not come up: {announcement.get('error', 'it said nothing')}")
        yield lab, announcement
    finally:
        if lab.stdin is not None:
            with suppress(OSError):
                lab.stdin.close()
        try:
            lab.wait(_GONE_WITHIN_S)
        except subprocess.TimeoutExpired:
            lab.kill()  # its children die with it
            lab.wait()


def _call(options: argparse.Namespace, announcement: dict[str, Any], runs: Path) -> float:
    """Place the calls and return the CPU-seconds that placing them took."""
    (arm,) = announcement["arms"]
    command = [sys.executable, "-m", "locust", "-f", "locustfiles/calls.py", "--headless", "--only-summary"]
    command += ["--trunk", announcement["trunk"]["uri"], "--numbers", f"{_ARM}={arm['number']}"]
    command += ["--calls", str(round(options.calls_per_second * options.seconds))]
    command += ["--calls-per-second", str(options.calls_per_second), "--arrivals", options.arrivals]
    command += ["--warm-up", str(_WARM_UP), "--hold", str(options.hold), "--no-report"]
    locust = subprocess.Popen(
        [*command, "--run-dir", str(runs)],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    cpu_s: list[float] = []  # when the first call is due, and when the last has ended
    output: list[str] = []
    try:
        assert locust.stdout is not None  # noqa: S101 - for the type checker
        for line in locust.stdout:
            output.append(line)
            if re.search(r": (Placing \d+ calls|Reading )", line):
                cpu_s += cpu_by_role(psutil.Process(locust.pid), lambda _: None, otherwise="").values()
        if locust.wait() not in _VERDICTS or len(cpu_s) != 2:
            raise BenchmarkError(f"the calls were not placed: {''.join(output[-5:]).strip()}")
    finally:
        if locust.poll() is None:
            locust.terminate()
            locust.wait()
    return cpu_s[1] - cpu_s[0]


def _until_quiet(used: Callable[[], Mapping[str, float]]) -> None:
    """Wait until the last calls have been cleared up and new agents are warm."""
    until_s = time.monotonic() + _QUIET_WITHIN_S
    before_s = sum(used().values())
    while time.monotonic() < until_s:
        time.sleep(_LOOK_EVERY_S)
        now_s = sum(used().values())
        if now_s - before_s < _QUIET_CPU_S:
            return
        before_s = now_s
