"""A child process that is ready before it is used and gone when its parent is."""

import asyncio
import contextlib
import errno
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from lab.errors import NotReadyError
from network.lifetime import bound_to_this

_Ready = TypeVar("_Ready")

_LOOK_EVERY_S = 0.02
_WORDS_SHOWN = 200  # characters of a log's line; those of LiveKit go to thousands
# Below the range outgoing connections draw from, so none can take a port between its choice and its use.
_PORTS = range(20000, 32000)
_DRAWS = 100
_claims: list[int] = []  # descriptors that say, until this process ends, which ports it means to use


class Child:
    """A running program in a process group of its own, killed by the kernel when its parent dies.

    Start it from the main thread: the kernel's signal follows the death of the *thread* that forked.
    Standard output and error go to one log file, which is also where readiness is read from.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        grace_s: float = 5.0,
        enter: Callable[[], None] | None = None,
    ) -> None:
        """Start `command` with exactly the environment `env`, its output appended to `log`.

        `grace_s` is how long it is given between SIGTERM and SIGKILL when it is stopped. `enter` takes it
        into another network namespace first.
        """
        self.name = name
        self.log = log
        self._grace_s = grace_s
        self._stopped_with: int | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._log_start = output.tell()
            # start_new_session would also leave the terminal, whose Ctrl-C is for the supervisor alone.
            self._popen = subprocess.Popen(
                list(command),
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=bound_to_this(enter),
            )

    @property
    def pid(self) -> int:
        """Process id, which is the id of the process group too."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, minus the signal's number for a signal, or None while it runs."""
        if self._stopped_with is not None:
            return self._stopped_with
        # Left unreaped until `stop`, so that its group id cannot be given to another process meanwhile.
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def log_lines(self) -> list[str]:
        """Whole lines this child has written so far."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            written = log.read()
        return written[: written.rfind(b"\n") + 1].decode(errors="replace").splitlines()

    def wait_ready(self, probe: "Probe[_Ready]", *, timeout_s: float = 15.0) -> _Ready:
        """Block until `probe` has an answer and return it.

        Raises:
            NotReadyError: The child ended first, or `timeout_s` went by.
        """
        deadline = time.monotonic() + timeout_s
        while (answer := self._look(probe, deadline, timeout_s)) is None:
            time.sleep(_LOOK_EVERY_S)
        return answer

    async def until_ready(self, probe: "Probe[_Ready]", *, timeout_s: float = 15.0) -> _Ready:
        """Do what `wait_ready` does without blocking the event loop."""
        deadline = time.monotonic() + timeout_s
        while (answer := self._look(probe, deadline, timeout_s)) is None:  # noqa: ASYNC110 - a log file wakes nobody
            await asyncio.sleep(_LOOK_EVERY_S)
        return answer

    def _look(self, probe: "Probe[_Ready]", deadline: float, timeout_s: float) -> _Ready | None:
        code = self.exit_code  # before the probe: what it wrote just before its end still counts
        answer = probe(self)
        if answer is not None:
            return answer
        if code is not None:
            raise NotReadyError(f"{self.name} {ending(code)} before it was ready; {self.last_words()}")
        if time.monotonic() > deadline:
            raise NotReadyError(f"{self.name} was not ready within {timeout_s:g} s; {self.last_words()}")
        return None

    def last_words(self) -> str:
        """Where the log is, and how its last line begins."""
        lines = [line for line in self.log_lines() if line.strip()]
        if not lines:
            return f"{self.log} is empty"
        cut = "…" if len(lines[-1]) > _WORDS_SHOWN else ""
        return f"the last line of {self.log} is: {lines[-1][:_WORDS_SHOWN]}{cut}"

    def ask_to_stop(self) -> None:
        """Send SIGTERM, to a child that has not been stopped."""
        if self._stopped_with is None:
            self._popen.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask it to end, wait for its grace, then kill whatever is left of its process group."""
        if self._stopped_with is not None:
            return
        if self.exit_code is None:
            self.ask_to_stop()
            deadline = time.monotonic() + self._grace_s
            while self.exit_code is None and time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._stopped_with = self._popen.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


Probe = Callable[[Child], _Ready | None]
"""Looks at a child once, without waiting: what it found, or None when it is not ready."""


def answering(port: int) -> Probe[int]:
    """A probe for something that listens on a TCP port of 127.0.0.1."""

    def look(_: Child) -> int | None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return port
        except OSError:
            return None

    return look


def said(words: str) -> Probe[str]:
    """A probe for the first line of output that contains `words`."""

    def look(child: Child) -> str | None:
        return next((line for line in child.log_lines() if words in line), None)

    return look


def announced() -> Probe[dict[str, object]]:
    """A probe for the line of JSON with `"ready": true` that the lab's own programs print."""

    def look(child: Child) -> dict[str, object] | None:
        for line in child.log_lines():
            if line.startswith('{"ready": true'):
                announcement: dict[str, object] = json.loads(line)
                return announcement
        return None

    return look


def ending(exit_code: int) -> str:
    """How a process ended, in words."""
    if exit_code < 0:
        return f"was ended by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nothing is bound to now, given to no other lab until this process ends.

    Raises:
        OSError: None of a hundred ports drawn was free.
    """
    for _ in range(_DRAWS):
        port = free_ports(1, kind).start
        if _claim(port):
            return port
    raise OSError(errno.EADDRINUSE, f"no free port between {_PORTS.start} and {_PORTS.stop}")


def free_ports(count: int, kind: socket.SocketKind) -> range:
    """A block of `count` ports that begins with an even one, none of them bound now.

    Raises:
        OSError: None of a hundred blocks drawn was free.
    """
    draw = random.SystemRandom()
    for _ in range(_DRAWS):
        first = draw.randrange(_PORTS.start, _PORTS.stop - count, 2)
        block = range(first, first + count)
        if all(_is_free(port, kind) for port in block):
            return block
    raise OSError(
        errno.EADDRINUSE, f"no {count} free ports in a row between {_PORTS.start} and {_PORTS.stop}"
    )


def _claim(port: int) -> bool:
    """Whether no process of a lab has claimed the port; it stays this one's until it ends.

    Seconds go by between choosing a port and binding it, in which another lab must not choose it too. A name
    in Linux's abstract socket namespace (unix(7)) is unique, and goes with its process.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0ringtime-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim.detach())
    return True


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
