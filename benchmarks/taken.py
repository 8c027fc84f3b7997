"""What a command takes: time, CPU, and the most memory that it and its children held together."""

import resource
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.errors import BenchmarkError

_ROOT = Path(__file__).parents[1]
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Taken:
    """One command that ended; memory is PSS, in which a page that n processes share is 1/n of each one's."""

    output: str
    seconds: float
    cpu_s: float
    memory_mb: float


def taken_by(command: Sequence[str], *, codes: Sequence[int] = (0,)) -> Taken:
    """Run a command to its end in the project's folder, with a look at its memory five times a second.

    Raises:
        BenchmarkError: It ended with none of `codes`; its last words are in the message.
    """
    begun_s, cpu_s, memory = time.monotonic(), _cpu_of_ended_children_s(), 0
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while True:
            try:
                output, words = process.communicate(timeout=_LOOK_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                memory = max(memory, _pss_bytes(process.pid))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode not in codes:
        last = (words.strip() or "it said nothing").splitlines()[-1]
        raise BenchmarkError(f"{Path(command[0]).name} ended with {process.returncode}: {last}")
    seconds = time.monotonic() - begun_s
    return Taken(output, seconds, _cpu_of_ended_children_s() - cpu_s, memory / 2**20)


def _cpu_of_ended_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _pss_bytes(pid: int) -> int:
    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):  # it ended just now
                total += process.memory_full_info().pss
    return total
