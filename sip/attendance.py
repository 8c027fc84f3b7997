"""The room's side of a run on somebody's deployment, as a child process: numbers made, rooms watched."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from sip.companion import Companion
from sip.declared import Observe
from sip.errors import DeploymentError
from sip.options import Options

_READY_WITHIN_S = 90.0  # requests of 10 s each, and 20 s for a worker to take a job
_GONE_WITHIN_S = 60.0  # it has trunks to remove, and requests take 10 s where nobody answers
_ROOM_EVENTS = "room-events.jsonl"
_log = logging.getLogger(__name__)


def is_needed(options: Options) -> bool:
    """Whether a run on a trunk of somebody's needs anything of the deployment behind it."""
    return options.provisions or options.observe is Observe.POLL


class Attendance:
    """`python -m rooms attend`: it removes what it made when its standard input ends, also if we are killed.

    The deployment and the digest password it takes from the environment, as this process has it.
    """

    def __init__(self, options: Options, folder: Path) -> None:
        """Start it, its log and what it sees under `folder`, whose name is the run's id."""
        self._log_file = folder / "logs" / "rooms.log"
        self._run_id = folder.name
        command = [sys.executable, "-m", "rooms", "attend", "--run", self._run_id]
        if options.observe is Observe.POLL:
            command += ["--out", str(folder / _ROOM_EVENTS)]
        if options.provisions:
            command += [f"--route={arm.name}={arm.number}={arm.agent}" for arm in options.arms]
            if options.trunk is not None and options.trunk.user is not None:
                command += ["--sip-user", options.trunk.user]
        self._companion = Companion(command, gone_within_s=_GONE_WITHIN_S, log=self._log_file)

    def wait_ready(self, *, go_on: Callable[[], bool]) -> bool:
        """Wait until calls can be placed; False once `go_on` says no.

        Raises:
            DeploymentError: The deployment refused or does not answer, or nobody works for an agent.
        """
        try:
            line = self._companion.first_line(go_on=go_on, within_s=_READY_WITHIN_S)
        except TimeoutError:
            raise DeploymentError(
                f"the deployment was not ready within {_READY_WITHIN_S:g} s: see {self._log_file}"
            ) from None
        if line is None:
            if go_on():
                raise DeploymentError(self._obituary())
            return False
        if not line["ready"]:
            raise DeploymentError(str(line["error"]))
        return True

    def trouble(self) -> str | None:
        """A sentence on why it is no more, or None while it is there; never blocks."""
        return None if self._companion.exit_code is None else self._obituary()

    def stop(self) -> None:
        """Have what it made removed, and wait for that; says so where it did not work."""
        gone_before = self._companion.exit_code is not None
        if self._companion.stop() != 0 and not gone_before:
            _log.warning("%s", self._obituary())

    def _obituary(self) -> str:
        return (
            f"what watches the deployment ended with exit code {self._companion.exit_code}: see "
            f"{self._log_file}; `python -m rooms clean --run {self._run_id}` removes what may be left there"
        )
