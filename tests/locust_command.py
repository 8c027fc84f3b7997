"""The real `locust` command, as a user starts it, and everything that descends from it."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
_MARK = "RINGTIME_TEST_MARK"


@dataclass(slots=True)
class LocustCommand:
    """A running `locust -f locustfiles/calls.py --headless …`; its runs go into `runs`."""

    runs: Path
    process: subprocess.Popen[str] = field(init=False)
    mark: str = field(init=False, default_factory=lambda: secrets.token_hex(8))

    def start(
        self,
        *options: str,
        locustfile: str = "locustfiles/calls.py",
        headless: bool = True,
        environment: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> None:
        """Start it in a process group of its own, so that a Ctrl-C can be sent as a terminal would.

        It knows of no deployment but one that `environment` names. `before` is a command that starts it.
        """
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LIVEKIT_")}
        command = [sys.executable, "-m", "locust", "-f", str(ROOT / locustfile), *(["--headless"] * headless)]
        self.process = subprocess.Popen(
            [*before, *command, "--only-summary", "--run-dir", str(self.runs), *options],
            cwd=ROOT,
            env={**ours, **(environment or {}), _MARK: self.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def wait_for(self, words: str) -> list[str]:
        """Read what it prints up to the first line with these words."""
        assert self.process.stdout is not None
        read: list[str] = []
        for line in self.process.stdout:
            read.append(line)
            print(line, end="")  # pytest shows it where the words never come
            if words in line:
                return read
        raise AssertionError(f"it never said {words!r} but:\n{''.join(read)}")

    def end(self, timeout_s: float = 100.0) -> tuple[int, str]:
        """Its exit code and what it has printed since the last look."""
        output, _ = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, output

    def relatives(self) -> list[psutil.Process]:
        """Every living process that it or a descendant of it started."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(_MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def folder(self) -> Path:
        """The run's folder."""
        return (self.runs / "latest").resolve()

    def records(self) -> list[dict[str, Any]]:
        """The calls of the run."""
        return [line for line in lines(self.folder() / "calls-0.jsonl") if "call_id" in line]


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a file of the run folder."""
    found: dict[str, Any] = json.loads((ROOT / "schemas" / f"{name}.json").read_text())
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file of JSON lines that may still grow."""
    text = path.read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def wait_until(fact: Callable[[], bool], within_s: float = 60.0) -> None:
    """Return once `fact` holds; fail the test where it does not in time."""
    until_s = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < until_s, "it did not come true in time"
        time.sleep(0.02)


def assert_all_gone(processes: Sequence[psutil.Process], within_s: float = 10.0) -> None:
    """Fail where one of them is still alive after a while: some die by the kernel's hand, a moment later."""
    _, alive = psutil.wait_procs(processes, timeout=within_s)
    assert not alive, [process.cmdline() for process in alive if process.is_running()]
