"""What was asked to befall set-ups and what did, in two files that the proxies of all arms share."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

FAULTS = "faults.jsonl"
SWITCHES = "fault-switches.jsonl"


@dataclass(frozen=True, slots=True)
class Mistreated:
    """A line of faults.jsonl: a mistreated set-up, its wall time of arrival and the seconds it was held.

    `kind` is the token that asked for it, without its share: `silent`, `latency=2`.
    """

    unix: float
    arm: str
    room: str | None
    kind: str
    held_s: float


@dataclass(frozen=True, slots=True)
class Switched:
    """A line of fault-switches.jsonl: what was asked to befall an arm's set-ups from then on."""

    unix: float
    arm: str
    filter_fault: str


class FaultLog:
    """Appends to the two files in a run's folder."""

    def __init__(self, run_dir: Path) -> None:
        """Open or create the files."""
        self._faults = _opened(run_dir / FAULTS)
        self._switches = _opened(run_dir / SWITCHES)

    def write(self, line: Mistreated | Switched) -> None:
        """Write it with one system call, so that lines of several processes never mix."""
        file = self._faults if isinstance(line, Mistreated) else self._switches
        os.write(file, (json.dumps(asdict(line)) + "\n").encode())

    def close(self) -> None:
        """Close the files."""
        os.close(self._faults)
        os.close(self._switches)


class Holding:
    """A set-up that is being mistreated, from its arrival to the line that tells of it."""

    def __init__(self, log: FaultLog, *, arm: str, room: str | None, kind: str) -> None:
        """Begin to count."""
        self._log = log
        self._arm, self._room, self._kind = arm, room, kind
        self._unix, self._began_s = time.time(), time.monotonic()

    def end(self) -> None:
        """Write down that the set-up is held no longer."""
        held_s = round(time.monotonic() - self._began_s, 3)
        self._log.write(Mistreated(self._unix, self._arm, self._room, self._kind, held_s))


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
