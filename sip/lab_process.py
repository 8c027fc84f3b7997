"""The lab as a child process of the load side, which imports nothing of it."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sip.access import Access
from sip.arms import ArmChoice
from sip.companion import Companion
from sip.errors import LabDownError, OptionRefusedError
from sip.options import Options

_READY_WITHIN_S = 180.0
_GONE_WITHIN_S = 20.0
_BEGUN_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.2
_REFUSED = 2


@dataclass(frozen=True, slots=True)
class LabArm:
    """An arm as the lab runs it."""

    name: str
    kind: str
    number: str
    agent: str


@dataclass(frozen=True, slots=True)
class LabNetwork:
    """The network that a lab emulates: by what, at which priority, and where it wants the callers."""

    executor: str
    priority: str
    access: Access

    @classmethod
    def of(cls, announcement: Mapping[str, Any]) -> Self:
        """Read the part of the lab's line that is about it."""
        return cls(announcement["executor"], announcement["priority"], Access.of(announcement))


@dataclass(frozen=True, slots=True)
class LabReady:
    """What a lab that takes calls says of itself."""

    trunk_kind: str
    trunk_uri: str
    trunk_version: str | None
    arms: tuple[LabArm, ...]
    observe: str
    versions: Mapping[str, str | None]
    room_clock: Mapping[str, float] | None
    network: LabNetwork | None

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
            network=LabNetwork.of(network) if (network := announcement.get("network")) else None,
        )


class LabProcess:
    """`python -m lab up --json`: it comes down when its standard input ends, so also when we are killed."""

    def __init__(self, options: Options, folder: Path) -> None:
        """Start it, its records and logs under `folder`."""
        command = [sys.executable, "-m", "lab", "up", "--json", "--run-dir", str(folder)]
        command += ["--arms", ",".join(_spec(arm) for arm in options.arms)]
        command += ["--bound", str(options.bound_s), "--seed", str(options.seed)]
        if not options.network.is_clean:
            command += ["--network", str(options.network)]
            if options.network_executor:
                command += ["--network-executor", options.network_executor]
        if options.filter_fault:
            command += ["--filter-fault", options.filter_fault]
        if options.agent_processes is not None:
            command += ["--agent-processes", str(options.agent_processes)]
        command += ["--observe", options.observe]
        if options.livekit_sip:
            command += ["--livekit-sip", options.livekit_sip]
        self._companion = Companion(command, gone_within_s=_GONE_WITHIN_S)

    def wait_ready(self, *, go_on: Callable[[], bool]) -> LabReady | None:
        """Wait until it takes calls, or None once `go_on` says no.

        Raises:
            LabDownError: It ended or was not ready in time; OptionRefusedError: it refused an option.
        """
        try:
            line = self._companion.first_line(go_on=go_on, within_s=_READY_WITHIN_S)
        except TimeoutError:
            raise LabDownError(f"the lab was not ready within {_READY_WITHIN_S:g} s: see its logs") from None
        if line is None:
            if go_on():
                code = self._companion.exit_code
                raise LabDownError(f"the lab ended with exit code {code} before it was ready")
            return None
        if not line["ready"]:
            # Exit code 2 is what every program here gives to a wrong option.
            refused = self._companion.wait() == _REFUSED
            raise (OptionRefusedError if refused else LabDownError)(str(line["error"]))
        return LabReady.of(line)

    def begin(self) -> None:
        """Put the network's profiles in force, which is clean until now.

        Raises:
            LabDownError: A part of the lab has died, or it did not answer in time.
        """
        self._companion.tell("begin")
        until_s = time.monotonic() + _BEGUN_WITHIN_S
        while (left_s := until_s - time.monotonic()) > 0:
            for line in self._companion.lines(min(left_s, _LOOK_EVERY_S)):
                if line.get("event") == "began":
                    return
                if line.get("event") == "died":
                    raise LabDownError(str(line["error"]))
            if self._companion.exit_code is not None:
                raise LabDownError(f"the lab itself ended with exit code {self._companion.exit_code}")
        raise LabDownError(f"the lab's network was not degraded within {_BEGUN_WITHIN_S:g} s: see its logs")

    def trouble(self) -> str | None:
        """A sentence on a part of the lab that has died since the last look, or None; never blocks."""
        for line in self._companion.lines():
            if line.get("event") == "died":
                return str(line["error"])
        code = self._companion.exit_code
        return None if code is None else f"the lab itself ended with exit code {code}"

    def stop(self) -> None:
        """Take it down and wait until it is gone."""
        self._companion.stop()


def _spec(arm: ArmChoice) -> str:
    return arm.name if arm.name == arm.kind else f"{arm.name}={arm.kind}"
