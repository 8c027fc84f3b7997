"""A child process that serves a run: it speaks in lines of JSON and goes when its standard input ends."""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.2


class Companion:
    """A running companion; when this process is killed its standard input ends too."""

    def __init__(self, command: Sequence[str], *, gone_within_s: float, log: Path | None = None) -> None:
        """Start it; what it says on standard error goes to `log`, or where ours goes.

        `gone_within_s` is how long it is given to come down before it is killed.
        """
        self._gone_within_s = gone_within_s
        with contextlib.ExitStack() as opened:
            if log is not None:
                log.parent.mkdir(parents=True, exist_ok=True)
            # A session of its own: the terminal's Ctrl-C is ours to act on, the calls want hanging up first.
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if log is None else opened.enter_context(log.open("ab")),
                start_new_session=True,
            )
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        assert self._process.stdout is not None  # noqa: S101
        self._stdin = self._process.stdin
        self._stdout = self._process.stdout
        self._unread = b""
        self._untaken: list[dict[str, Any]] = []

    @property
    def exit_code(self) -> int | None:
        """How it ended, or None while it runs."""
        return self._process.poll()

    def first_line(self, *, go_on: Callable[[], bool], within_s: float) -> dict[str, Any] | None:
        """Its next line, or None once `go_on` says no or it has ended.

        Raises:
            TimeoutError: There was none in time.
        """
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            ended = self.exit_code is not None  # before the look: what it said at its end still counts
            if lines := self.lines(_LOOK_EVERY_S):
                self._untaken = lines[1:]
                return lines[0]
            if ended or not go_on():
                return None
        raise TimeoutError

    def lines(self, timeout_s: float = 0.0) -> list[dict[str, Any]]:
        """The whole lines that have come, waiting at most `timeout_s` for the first."""
        untaken, self._untaken = self._untaken, []
        if untaken or not select.select([self._stdout], [], [], timeout_s)[0]:
            return untaken
        self._unread += os.read(self._stdout.fileno(), 65536)
        *whole, self._unread = self._unread.split(b"\n")
        return [json.loads(line) for line in whole if line]

    def tell(self, word: str) -> None:
        """Write it a line; whether it still reads shows in what it says."""
        with contextlib.suppress(OSError):
            self._stdin.write(f"{word}\n".encode())
            self._stdin.flush()

    def release(self) -> None:
        """End its standard input, which tells it to go; what it says at its end can still be read."""
        with contextlib.suppress(OSError):
            self._stdin.close()

    def wait(self) -> int:
        """Its exit code, once it is gone; killed where it takes too long."""
        try:
            return self._process.wait(self._gone_within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its children die with it
            return self._process.wait()

    def stop(self) -> int:
        """Take it down and return its exit code."""
        self.release()
        exit_code = self.wait()
        self._stdout.close()
        return exit_code
