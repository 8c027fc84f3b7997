"""An emulated network for as long as a block runs, and what this machine lacks for one."""

import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from network import companion, spec, tun
from network.companion import Companion
from network.emulation import Callers, Executor, Ports, Trunk
from network.errors import UnavailableError, WireError
from network.ledger import Passage
from network.lifetime import bound_to_this
from network.measuring import Request, passage
from network.namespace import Namespace
from network.profile import Leg
from network.topology import MOST_CALLERS, PATHS, SIP, Place, caller, near_end, probe

_WATCH_PORT = 39000  # apart from those of a measurement at the same time


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


class InNamespaces:
    """An emulation between network namespaces, by a program that makes them and is a child process.

    Entering the block waits until it is ready. `network` is a choice of profiles as on the command line,
    `out` the file that the dose is written to.

    Raises:
        ProfileError: The choice cannot be.
        UnavailableError: This machine lacks something that the program needs.
        WireError: It did not come up.
    """

    executor: Executor
    is_seeded = True  # whether each packet's fate is that of the seeded model
    _program: str

    def __init__(self, network: str, *, seed: int, out: Path | None = None) -> None:
        self.choice = spec.choose(network)
        self.places: Mapping[Place, Namespace] = {}
        self.priority = ""
        self.began_s = math.nan
        self._seed = seed
        self._out = out.resolve() if out is not None else None
        self._companion: Companion | None = None
        self._watchers: list[Companion] = []

    @property
    def callers(self) -> Sequence[Callers]:
        """A block of the callers' place for each profile; addresses are what they are."""
        return [
            Callers(label=label, first=caller(0, profile=number), count=MOST_CALLERS)
            for number, label in enumerate(self.choice.labels)
        ]

    @property
    def ports(self) -> Ports | None:
        """Any will do."""
        return None

    @property
    def trunk(self) -> Trunk:
        """The core's address towards the callers."""
        return Trunk(address=SIP, advertised=SIP)

    @property
    def pid(self) -> int:
        """Process id of the program."""
        return self._running().pid

    @property
    def exit_code(self) -> int | None:
        """None while it carries packets and measures what it does: to know when that ended too early."""
        codes = (each.exit_code for each in (self._running(), *self._watchers))
        return next((code for code in codes if code is not None), None)

    def entering(self, place: Place) -> Callable[[], None]:
        """What a program is started with to live in a place, and to end with this process (`preexec_fn`)."""
        return bound_to_this(self.places[place].entering())

    def start(self, place: Place, command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program in a place."""
        return subprocess.Popen(command, preexec_fn=self.entering(place), **options)

    def begin(self) -> float:
        """Put the profiles on the legs, which are clean until now; the moment, on the monotonic clock."""
        wire = self._running()
        wire.tell("begin")
        self.began_s = float(wire.said("began_s")["began_s"])
        return self.began_s

    def measure(self, leg: Leg, *, flows: int, for_s: float) -> list[Passage]:
        """Send so many flows of voice both ways over a leg under its first profile, and wait for the last.

        Raises:
            WireError: The measurement could not be made.
        """
        addresses = [str(near_end(leg, number)) for number in range(flows)]
        request = self._request(leg, addresses, [0] * flows, for_s=for_s)
        printed = companion.run("network.measuring", request)
        return [passage(line) for line in printed.splitlines()]

    def watch(self, leg: Leg, *, every_s: float = 0.1) -> None:
        """Measure a leg, each of its profiles, until the wire is closed; each second goes to `out`."""
        if self._out is None:
            raise WireError("a leg can only be watched by a wire that writes its dose: give it a file")
        numbers = range(len(self.choice.legs[leg]))
        addresses = [str(probe(leg, profile=each)) for each in numbers]
        request = self._request(
            leg, addresses, list(numbers), every_s=every_s, port=_WATCH_PORT, journal=str(self._out)
        )
        self._watchers.append(Companion("network.measuring", request))

    def __enter__(self) -> Self:
        arguments = ["--network", str(self.choice), "--seed", str(self._seed)]
        if self._out is not None:
            arguments += ["--out", str(self._out)]
        self._companion = Companion(self._program, *arguments)
        ready = self._companion.ready()
        self.places = {Place(name): Namespace(**each) for name, each in ready["places"].items()}
        self.priority = str(ready["priority"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (*self._watchers, self._running()):
            each.end()
        self._watchers.clear()

    def _request(self, leg: Leg, addresses: Sequence[str], numbers: Sequence[int], **options: Any) -> str:
        (path,) = (each for each in PATHS if each.leg is leg)
        request = Request(
            leg=leg,
            profiles=[profile.origin for profile in self.choice.legs[leg]],
            numbers=numbers,
            seed=self._seed,
            began_s=self.began_s,
            near=asdict(self.places[path.near.place]),
            far=asdict(self.places[path.far.place]),
            near_addresses=addresses,
            far_address=str(path.far.address),
            seeded=self.is_seeded,
            **options,
        )
        return json.dumps(asdict(request))

    def _running(self) -> Companion:
        if self._companion is None:
            raise WireError(f"the {self.executor} was not started: use it in a with block")
        return self._companion


class Wire(InNamespaces):
    """The wire (`network.wire`): everything, drop for drop as the seeded model says."""

    executor = Executor.WIRE
    _program = "network.wire"
