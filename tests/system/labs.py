"""Labs that `python -m lab up` keeps up for a test, and calls to them."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

UP_TIMEOUT_S = 100.0


@dataclass
class Running:
    """A lab that `python -m lab up` keeps up."""

    process: subprocess.Popen[str]
    folder: Path

    def line(self, timeout_s: float = UP_TIMEOUT_S) -> dict[str, Any]:
        """Its next line of JSON on standard output."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], timeout_s)[0]:
            pytest.fail(f"the lab said nothing within {timeout_s} s")
        line: dict[str, Any] = json.loads(self.process.stdout.readline())
        return line

    def progress(self, words: str) -> None:
        """Wait until it says these words on standard error."""
        assert self.process.stderr is not None
        next(line for line in self.process.stderr if words in line)

    def family(self) -> list[psutil.Process]:
        """Every process of the lab: the supervisor, its children, and theirs."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def end(self) -> int:
        """Close its standard input and return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def lab(folder: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    """A lab on its way up; whatever the test leaves of it is ended."""
    command = [sys.executable, "-m", "lab", "up", "--run-dir", str(folder), *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            yield Running(process, folder)
        finally:
            process.terminate()


def all_end_within(family: list[psutil.Process], seconds: float) -> bool:
    """Whether all these processes, most of them not ours, have ended, or do within so many seconds."""
    deadline = time.monotonic() + seconds
    for process in family:
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return False
        finally:
            os.close(descriptor)
    return True


def is_answered(
    announced: dict[str, Any],
    arm: str,
    folder: Path,
    *,
    source: str = "127.0.0.1",
    within: Sequence[str] = (),
) -> None:
    """Call an arm of a lab from `source`; the test fails where it does not answer within 30 s.

    `within` is what takes a program to where callers are.
    """
    (number,) = [known["number"] for known in announced["arms"] if known["name"] == arm]
    target = announced["trunk"]["uri"].removeprefix("sip:")
    call = ["sipp", "-sn", "uac", "-s", number, "-i", source, "-m", "1", "-d", "500", "-nostdin", target]
    # Its exit code says whether the call was answered.
    sipp = subprocess.run(
        [*within, *call, "-timeout", "30", "-timeout_error"],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert sipp.returncode == 0, sipp.stdout[-2000:]
