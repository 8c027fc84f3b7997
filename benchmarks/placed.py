"""A load that the tester itself, Locust and all, is to place on a far end that answers everything."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.errors import BenchmarkError
from capacity.step import DIAL_LAG_S
from sip.media import Media

_ROOT = Path(__file__).parents[1]
_BESIDE_S = 90.0  # what starting, draining and reading may take beyond the calls
_LOOK_EVERY_S = 0.5
_REFUSED = 2
_VERDICTS = (0, 3, 4, 5)  # of a run that was measured, whatever was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Calls after as many of `warm_up`, each held so long; by so many Locust processes."""

    port: int
    calls: int
    warm_up: int = 0
    calls_per_second: float
    hold_s: float
    media: Media
    processes: int = 1

    @property
    def seconds(self) -> float:
        """How long it takes where the rate is kept."""
        return (self.calls + self.warm_up) / self.calls_per_second + self.hold_s

    def command(self, runs: Path) -> list[str]:
        """Locust's, for this load."""
        command = [sys.executable, "-m", "locust", "-f", "locustfiles/calls.py", "--headless"]
        command += ["--only-summary", "--trunk", f"sip:127.0.0.1:{self.port}", "--numbers", "100"]
        command += [
            "--observe",
            "off",
            "--arrivals",
            "constant",
            "--media",
            self.media,
            "--hold",
            f"{self.hold_s:g}",
        ]
        command += ["--calls", str(self.calls), "--calls-per-second", f"{self.calls_per_second:g}"]
        command += ["--warm-up", str(self.warm_up), "--ring-timeout", "5", "--setup-timeout", "5"]
        command += ["--stop-after-failures", "1000000", "--seed", "1"]
        if self.processes > 1:
            command += ["--processes", str(self.processes)]
        return [*command, "--no-report", "--run-dir", str(runs)]


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a load: the records of its calls, and by process the lines of its health files.

    `memory_mb` is PSS of all its processes with all the calls up, in which a page that n processes share is
    1/n of each one's; None where they were not all up at any look. `trouble` is what the tester said where
    it did not come to its own end.
    """

    records: Sequence[Mapping[str, Any]]
    health: Sequence[Sequence[Mapping[str, Any]]]
    memory_mb: float | None
    trouble: str | None = None

    @property
    def lost(self) -> int:
        """Calls that were not answered: the far end answers all."""
        return sum(record["outcome"] != "answered" for record in self.records)

    @property
    def dial_lag_p99_s(self) -> float:
        """How late the INVITEs left; those that never did count as later than all."""
        return p99(
            math.inf if record["invite_s"] is None else record["invite_s"] - record["due_s"]
            for record in self.records
        )

    @property
    def loop_lag_p99_s(self) -> float:
        """The largest lateness of any loop in all but one second of a hundred."""
        return p99(second["loop_lag_s"] or 0.0 for seconds in self.health for second in seconds)

    @property
    def calls_up(self) -> int:
        """The most calls that were up at once, by the second."""
        return sum(max((second["calls_up"] for second in seconds), default=0) for seconds in self.health)

    @property
    def cpu_s(self) -> float:
        """CPU-seconds of all processes while calls were up: each line is of one second."""
        shares = (
            float(load["cpu_share"])
            for seconds in self.health
            for second in seconds
            for load in second["processes"]
        )
        return sum(shares)

    @property
    def restarts(self) -> int:
        """Workers that had to be replaced."""
        return sum(max((second["restarts"] for second in seconds), default=0) for seconds in self.health)

    @property
    def kept(self) -> bool:
        """Whether no call was lost and they left when they were due, by the limit of a valid run."""
        return self.trouble is None and self.lost == 0 and self.dial_lag_p99_s <= DIAL_LAG_S


def place(load: Load, folder: Path, *, weigh: bool = False) -> Placed:
    """Have the load placed and read what is on record, warm-up left out; `weigh` says to look at memory.

    Raises:
        BenchmarkError: The tester refused it, or came to no end at all.
    """
    runs = folder / "runs"
    output = folder / "locust.log"
    with output.open("wb") as said:
        tester = subprocess.Popen(
            load.command(runs), cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            memory_mb = _watched(tester, runs / "latest", load, weigh=weigh)
        finally:
            if tester.poll() is None:
                tester.terminate()
                tester.wait()
    trouble = None
    if tester.returncode not in _VERDICTS:
        trouble = " ".join(output.read_text(errors="replace").strip().split("\n")[-3:])
    if tester.returncode == _REFUSED:
        raise BenchmarkError(f"the calls were not placed: {trouble}")
    run = (runs / "latest").resolve()
    records = [line for file in _files(run, "calls") for line in file if "call_id" in line]
    counted = [record for record in records if not record["warm_up"]]
    return Placed(counted, list(_files(run, "health")), memory_mb, trouble)


def p99(values: Iterable[float]) -> float:
    """What 99 of 100 are not above; 0 of none."""
    ordered = sorted(values)
    return ordered[math.ceil(0.99 * len(ordered)) - 1] if ordered else 0.0


def _watched(tester: "subprocess.Popen[bytes]", run: Path, load: Load, *, weigh: bool) -> float | None:
    """Wait for its end, for a time; its memory at the first look at which all calls are up."""
    until_s = time.monotonic() + load.seconds + _BESIDE_S
    memory_mb = None
    while tester.poll() is None:
        if time.monotonic() > until_s:
            raise BenchmarkError(f"{load.calls} calls at {load.calls_per_second:g}/s came to no end")
        time.sleep(_LOOK_EVERY_S)
        if weigh and memory_mb is None and _all_up(run, load.calls):
            memory_mb = _memory_mb(psutil.Process(tester.pid))
    return memory_mb


def _all_up(run: Path, calls: int) -> bool:
    return sum(int(file[-1]["calls_up"]) for file in _files(run, "health") if file) >= calls


def _files(run: Path, kind: str) -> Iterable[list[dict[str, Any]]]:
    """The whole lines of each file of a kind; the last one may still be in the making."""
    for path in sorted(run.glob(f"{kind}-*.jsonl")):
        lines = path.read_text().split("\n")[:-1]
        yield [json.loads(line) for line in lines]


def _memory_mb(root: psutil.Process) -> float:
    total = 0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 1e6
