"""The lab as a child process of the load side, which imports nothing of it."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sip.arms import ArmChoice
from sip.errors import LabDownError, OptionRefusedError
from sip.options import Options

_READY_WITHIN_S = 180.0
_GONE_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class LabArm:
    """An arm as the lab runs it."""

    name: str
    kind: str
    number: str
    agent: str


@dataclass(frozen=True, slots=True)
class LabReady:
    """What a lab that takes calls says of itself."""

    trunk_kind: str
    trunk_uri: str
    trunk_version: str | None
    arms: tuple[LabArm, ...]
    observe: str
    versions: Mapping[str, str | None]
    room_clock: Mapping[str, float]

    @classmethod
    def of(cls, announcement: Mapping[str, Any]) -> Self:
        """Read the line that `python -m lab up --json` prints when it is ready."""
        trunk = announcement["trunk"]
        return cls(
            trunk_kind=trunk["kind"],
            trunk_uri=trunk["uri"],
            trunk_version=trunk["version"],
            arms=tuple(LabArm(**arm) for arm in announcement["arms"]),
            observe=announcement["observe"],
            versions=announcement["versions"],
            room_clock=announcement["room_clock"],
        )


class LabProcess:
    """`python -m lab up --json`: it comes down when its standard input ends, so also when we are killed."""

    def __init__(self, options: Options, folder: Path) -> None:
        """Start it, its records and logs under `folder`."""
        command = [sys.executable, "-m", "lab", "up", "--json", "--run-dir", str(folder)]
        command += ["--arms", ",".join(_spec(arm) for arm in options.arms)]
        command += ["--bound", str(options.bound_s), "--seed", str(options.seed)]
        if options.filter_fault:
            command += ["--filter-fault", options.filter_fault]
        if options.livekit_sip:
            command += ["--livekit-sip", options.livekit_sip]
        # A session of its own: the terminal's Ctrl-C is ours to act on, the calls want hanging up first.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        assert self._process.stdout is not None  # noqa: S101
        self._stdin = self._process.stdin
        self._stdout = self._process.stdout
        self._unread = b""

    def wait_ready(self, *, go_on: Callable[[], bool]) -> LabReady | None:
        """Wait until it takes calls, or None once `go_on` says no.

        Raises:
            LabDownError: It ended or was not ready in time; OptionRefusedError: it refused an option.
        """
        until_s = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < until_s:
            if not go_on():
                return None
            for line in self._lines(_LOOK_EVERY_S):
                if line.get("ready") is True:
                    return LabReady.of(line)
                if line.get("ready") is False:
                    raise self._refusal(str(line["error"]))
            if (code := self._process.poll()) is not None:
                raise LabDownError(f"the lab ended with exit code {code} before it was ready")
        raise LabDownError(f"the lab was not ready within {_READY_WITHIN_S:g} s: see its logs")

    def trouble(self) -> str | None:
        """A sentence on a part of the lab that has died since the last look, or None; never blocks."""
        for line in self._lines(0.0):
            if line.get("event") == "died":
                return str(line["error"])
        code = self._process.poll()
        return None if code is None else f"the lab itself ended with exit code {code}"

    def stop(self) -> None:
        """Take it down and wait until it is gone."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_GONE_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its children die with it
            self._process.wait()
        self._stdout.close()

    def _refusal(self, sentence: str) -> Exception:
        # Exit code 2 is what every program here gives to a wrong option.
        refused = self._process.wait(_GONE_WITHIN_S) == 2
        return OptionRefusedError(sentence) if refused else LabDownError(sentence)

    def _lines(self, timeout_s: float) -> list[dict[str, Any]]:
        """The whole lines of JSON that have come, waiting at most `timeout_s` for the first."""
        if not select.select([self._stdout], [], [], timeout_s)[0]:
            return []
        with contextlib.suppress(BlockingIOError):
            self._unread += os.read(self._stdout.fileno(), 65536)
        *whole, self._unread = self._unread.split(b"\n")
        return [json.loads(line) for line in whole if line]


def _spec(arm: ArmChoice) -> str:
    return arm.name if arm.name == arm.kind else f"{arm.name}={arm.kind}"
