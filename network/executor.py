"""An emulated network for as long as a block runs, and what this machine lacks for one."""

import contextlib
import json
import math
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from network import spec, tun
from network.errors import UnavailableError, WireError
from network.ledger import Passage
from network.lifetime import bound_to_this
from network.measuring import Request, passage
from network.namespace import Namespace
from network.profile import Leg
from network.topology import PATHS, Place, near_end, probe

_PYTHON = (sys.executable, "-m")
_ROOT = Path(__file__).parents[1]
_WATCH_PORT = 39000  # apart from those of a measurement at the same time
_READY_WITHIN_S = 20.0
_GONE_WITHIN_S = 5.0


def missing_for_wire() -> list[str]:
    """What keeps the wire from working here, a sentence each; empty when nothing does."""
    found = []
    if not tun.DEVICE.exists():
        found.append(f"there is no {tun.DEVICE}: load the kernel's tun module, or pass the device in")
    elif not os.access(tun.DEVICE, os.R_OK | os.W_OK):
        found.append(f"{tun.DEVICE} may not be opened: give this user the right to read and write it")
    if shutil.which("ip") is None:
        found.append("there is no program ip: install iproute2")
    if not found and (refusal := _refusal()) is not None:
        found.append(refusal)
    return found


def _refusal() -> str | None:
    """Why namespaces cannot be made, found out by making them."""
    try:
        with Wire("clean", seed=0):
            return None
    except UnavailableError as error:
        return f"{error}; run as root, or allow unprivileged user namespaces"


class Wire:
    """The wire (`network.wire`) as a child process; entering the block waits until it is ready.

    `network` is a choice of profiles as on the command line, `out` the file that the dose is written to.

    Raises:
        UnavailableError: This machine lacks something that the wire needs.
        WireError: It did not come up.
    """

    def __init__(self, network: str, *, seed: int, out: Path | None = None) -> None:
        self.choice = spec.choose(network)
        self.places: Mapping[Place, Namespace] = {}
        self.priority = ""
        self.began_s = math.nan
        self._seed = seed
        self._out = out.resolve() if out is not None else None
        self._process: subprocess.Popen[bytes] | None = None
        self._watchers: list[subprocess.Popen[bytes]] = []

    @property
    def pid(self) -> int:
        """Process id of the wire."""
        return self._running().pid

    def entering(self, place: Place) -> Callable[[], None]:
        """What a program is started with to live in a place, and to end with this process (`preexec_fn`)."""
        return bound_to_this(self.places[place].entering())

    def begin(self) -> float:
        """Put the profiles on the legs, which are clean until now; the moment, on the monotonic clock."""
        process = self._running()
        if process.stdin is None:
            raise WireError("the wire was closed before it began")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"begin\n")
            process.stdin.flush()
        self.began_s = float(self._said("began_s")["began_s"])
        return self.began_s

    def measure(self, leg: Leg, *, flows: int, for_s: float) -> list[Passage]:
        """Send so many flows of voice both ways over a leg under its first profile, and wait for the last.

        Raises:
            WireError: The measurement could not be made.
        """
        addresses = [str(near_end(leg, number)) for number in range(flows)]
        ended = subprocess.run(
            [*_PYTHON, "network.measuring", self._request(leg, addresses, for_s=for_s)],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=bound_to_this(),
        )
        if ended.returncode != 0:
            raise WireError(ended.stderr.strip())
        return [passage(line) for line in ended.stdout.splitlines()]

    def watch(self, leg: Leg, *, every_s: float = 0.1) -> None:
        """Measure a leg, each of its profiles, until the wire is closed; each second goes to `out`."""
        if self._out is None:
            raise WireError("a leg can only be watched by a wire that writes its dose: give it a file")
        addresses = [str(probe(leg, profile=each)) for each in range(len(self.choice.legs[leg]))]
        request = self._request(leg, addresses, every_s=every_s, port=_WATCH_PORT, journal=str(self._out))
        self._watchers.append(
            subprocess.Popen(
                [*_PYTHON, "network.measuring", request],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                process_group=0,
                preexec_fn=bound_to_this(),
            )
        )

    def _request(self, leg: Leg, addresses: Sequence[str], **options: Any) -> str:
        (path,) = (each for each in PATHS if each.leg is leg)
        request = Request(
            leg=leg,
            profiles=[profile.origin for profile in self.choice.legs[leg]],
            seed=self._seed,
            began_s=self.began_s,
            near=asdict(self.places[path.near.place]),
            far=asdict(self.places[path.far.place]),
            near_addresses=addresses,
            far_address=str(path.far.address),
            **options,
        )
        return json.dumps(asdict(request))

    def start(self, place: Place, command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program in a place."""
        return subprocess.Popen(command, preexec_fn=self.entering(place), **options)

    def __enter__(self) -> Self:
        command = [*_PYTHON, "network.wire", "--network", str(self.choice), "--seed", str(self._seed)]
        if self._out is not None:
            command += ["--out", str(self._out)]
        # In a group of its own: Ctrl-C is for those who use it, who end it after themselves.
        self._process = subprocess.Popen(
            command,
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            preexec_fn=bound_to_this(),
        )
        try:
            ready = self._ready()
        except BaseException:
            self._close()
            raise
        self.places = {Place(name): Namespace(**each) for name, each in ready["places"].items()}
        self.priority = str(ready["priority"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        for process in (*self._watchers, self._running()):
            _end(process)
        self._watchers.clear()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise WireError("the wire was not started: use it in a with block")
        return self._process

    def _ready(self) -> dict[str, Any]:
        said = self._said("ready")
        if not said["ready"]:
            raise UnavailableError(str(said["error"]))
        return said

    def _said(self, key: str) -> dict[str, Any]:
        """The next line that the wire says, which is about that."""
        process = self._running()
        output: IO[bytes] | None = process.stdout
        if output is None or not select.select([output], (), (), _READY_WITHIN_S)[0]:
            raise WireError(f"the wire said nothing within {_READY_WITHIN_S:g} s")
        line = output.readline()
        if not line:
            raise WireError(f"the wire ended with exit code {process.wait()} before it said {key}")
        said: dict[str, Any] = json.loads(line)
        return said


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a child whose standard input is what it lives for."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
    try:
        process.wait(_GONE_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
