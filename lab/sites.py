"""Where the parts of a lab live and by which addresses they meet: on loopback, or on an emulated network."""

import contextlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Self

from network import topology
from network.emulation import Emulation, Ports
from network.namespace import Namespace
from network.topology import Place

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Site:
    """An address, and the network namespace that it is in; None for that of the lab itself."""

    address: str = LOOPBACK
    namespace: Namespace | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """What `str` made, handed from process to process."""
        written = json.loads(text)
        return cls(written["address"], written["namespace"] and Namespace(**written["namespace"]))

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    def inside(self) -> AbstractContextManager[None]:
        """Have this process there for as long as a block runs; sockets made meanwhile stay."""
        return contextlib.nullcontext() if self.namespace is None else self.namespace.inside()

    def entering(self) -> Callable[[], None] | None:
        """What takes a child process there before its program begins."""
        return None if self.namespace is None else self.namespace.entering()


HERE = Site()
"""Where the lab itself is."""


@dataclass(frozen=True, slots=True)
class TrunkSite:
    """Where the trunk is bound, what it says of itself to callers, and its ports where not any will do."""

    address: str = LOOPBACK
    advertised: str = LOOPBACK
    ports: Ports | None = None


@dataclass(frozen=True, slots=True)
class Sites:
    """The sites of a lab.

    `livekit` is where agents find their server, `agents` where they are. `settings` is where the reference
    filter asks, None where it asks at its agent's server.
    """

    trunk: TrunkSite = TrunkSite()
    livekit: Site = HERE
    agents: Site = HERE
    settings: Site | None = None


def sites_on(emulation: Emulation | None) -> Sites:
    """The sites that an emulated network has for a lab; without one all is on loopback."""
    if emulation is None:
        return Sites()
    taken = emulation.trunk
    trunk = TrunkSite(str(taken.address), str(taken.advertised), taken.ports)
    if not emulation.places:
        return Sites(trunk)
    return Sites(
        trunk,
        livekit=Site(str(topology.LIVEKIT)),
        agents=Site(str(topology.AGENT), emulation.places[Place.AGENTS]),
        settings=Site(str(topology.SETTINGS), emulation.places[Place.ENDPOINT]),
    )
