"""The relay between the callers and the trunk of a run, as an executor of it: no privileges, UDP alone."""

import json
import math
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from network import aliases, capability, spec
from network.companion import Companion
from network.emulation import Callers, Executor, Ports, Trunk
from network.errors import UnavailableError, WireError
from network.lifetime import bound_to_this
from network.measuring import Request
from network.namespace import Namespace
from network.profile import Leg
from network.relaying import Relaying
from network.topology import Place

_CALLERS = 64  # of each profile, a call each


class RelayRun:
    """The relay as a child process; entering the block takes a free block of addresses (`network.aliases`).

    `network` is a choice of profiles as on the command line, `out` the file that the dose is written to,
    `callers` how many addresses each profile has.

    Raises:
        ProfileError: The choice cannot be.
        CannotExpressError: It is not for a relay.
        UnavailableError: Every block of addresses is taken, or has too few.
        WireError: The relay did not come up.
    """

    executor = Executor.RELAY

    def __init__(self, network: str, *, seed: int, out: Path | None = None, callers: int = _CALLERS) -> None:
        self.choice = spec.choose(network)
        capability.check(Executor.RELAY, self.choice)
        self.places: Mapping[Place, Namespace] = {}
        self.began_s = math.nan
        self._count = callers
        self._seed = seed
        self._out = out.resolve() if out is not None else None
        self._block = IPv4Address(0)
        self._relaying: Relaying | None = None
        self._watching = ExitStack()

    @property
    def callers(self) -> Sequence[Callers]:
        """The callers of each profile, who bind to the ports of `ports` at their addresses."""
        return aliases.callers(self._block, self.choice, self._count)

    @property
    def ports(self) -> Ports | None:
        """The same at every caller's address."""
        return aliases.CALLER_PORTS

    @property
    def trunk(self) -> Trunk:
        """Where the trunk is to bind, and what it is to advertise."""
        return aliases.trunk(self._block)

    @property
    def priority(self) -> str:
        """What the relay was given."""
        return self._running().priority

    @property
    def pid(self) -> int:
        """Process id of the relay."""
        return self._running().pid

    @property
    def exit_code(self) -> int | None:
        """None while it relays: for those who must know when it ended before its time."""
        return self._running().exit_code

    def entering(self, place: Place) -> Callable[[], None]:
        """What a program is started with to end with this process; everybody stays where they are."""
        return bound_to_this()

    def start(self, place: Place, command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program."""
        return subprocess.Popen(command, preexec_fn=self.entering(place), **options)

    def begin(self) -> float:
        """Put the profiles on the leg, which is clean until now; the moment, on the monotonic clock."""
        self.began_s = self._running().begin()
        return self.began_s

    def watch(self, leg: Leg, *, every_s: float = 0.1) -> None:
        """Measure the callers' leg, each of its profiles, until the block ends; each second goes to `out`.

        Raises:
            WireError: There is no relay on that leg, or no file.
        """
        if leg is not Leg.CALLER or self._out is None:
            raise WireError("a relay is watched on the callers' leg, and needs a file for its dose")
        profiles = self.choice.legs[leg]
        near = [aliases.probe(self._block, number) for number in range(len(profiles))]
        far = aliases.far_host(self._block)
        request = Request(
            leg=leg,
            profiles=[profile.origin for profile in profiles],
            numbers=[host.profile for host in near],
            seed=self._seed,
            began_s=self.began_s,
            near_addresses=[host.address for host in near],
            near_aliases=[host.alias for host in near],
            far_address=far.address,
            far_alias=far.alias,
            every_s=every_s,
            port=aliases.PROBE_PORT,
            journal=str(self._out),
        )
        watcher = Companion("network.measuring", json.dumps(asdict(request)))
        self._watching.callback(watcher.end)

    def __enter__(self) -> Self:
        refusal = UnavailableError("there are no addresses for a relay")
        for block in aliases.BLOCKS:
            relaying = Relaying(
                self.choice.legs[Leg.CALLER],
                near=aliases.near_hosts(block, self.choice, self._count),
                far=aliases.far_host(block),
                seed=self._seed,
                out=self._out,
            )
            try:
                self._relaying = relaying.__enter__()
            except UnavailableError as error:
                refusal = error
                continue
            self._block = block
            return self
        raise UnavailableError(
            f"none of the {len(aliases.BLOCKS)} blocks of loopback addresses is free for a relay: {refusal}"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watching.close()
        self._running().__exit__(kind, error, trace)

    def _running(self) -> Relaying:
        if self._relaying is None:
            raise WireError("the relay was not started: use it in a with block")
        return self._relaying
