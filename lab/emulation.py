"""The network of a lab, emulated: up before everything else, and what the load side needs to know of it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.errors import LabError
from network import capability
from network.emulation import Callers, Emulation, Executor
from network.errors import NetworkError
from network.executor import Wire
from network.netem_run import Netem
from network.profile import Leg
from network.relay_run import RelayRun
from network.spec import Choice
from network.topology import Place

DOSE = "network.jsonl"
_MAKERS: Mapping[Executor, Callable[..., Emulation]] = {
    Executor.WIRE: Wire,
    Executor.RELAY: RelayRun,
    Executor.NETEM: Netem,
}


@contextmanager
def emulated(choice: Choice, wanted: Executor | None, *, seed: int, run_dir: Path) -> Iterator[Emulation]:
    """The network for as long as the block runs; this process moves to where server and trunk are.

    Raises:
        LabError: No executor can deliver it here, or the one that is wanted cannot.
    """
    try:
        executor = capability.choose(choice, wanted)
        made = _MAKERS[executor](str(choice), seed=seed, out=run_dir / DOSE)
        with made as emulation:
            if emulation.places:
                emulation.places[Place.CORE].enter()
            yield emulation
    except NetworkError as error:
        raise LabError(str(error)) from None


def begin(emulation: Emulation) -> dict[str, object]:
    """Put the profiles on, have each leg that has one measured from end to end, and say when it was.

    Raises:
        LabError: The network does not answer.
    """
    try:
        began_s = emulation.begin()
        for leg in filter(emulation.choice.degrades, Leg):
            emulation.watch(leg)
    except NetworkError as error:
        raise LabError(str(error)) from None
    return {"event": "began", "monotonic": began_s, "unix": time.time() - time.monotonic() + began_s}


def announcement(emulation: Emulation) -> dict[str, object]:
    """What those who place calls need to know."""
    callers = emulation.places.get(Place.CALLERS)
    return {
        "spec": str(emulation.choice),
        "executor": emulation.executor,
        "priority": emulation.priority,
        "profiles": [_block(each) for each in emulation.callers],
        "ports": asdict(emulation.ports) if emulation.ports else None,
        "namespace": asdict(callers) if callers else None,
    }


def _block(callers: Callers) -> dict[str, object]:
    advertised = callers.advertised
    return {
        "name": callers.label,
        "first": str(callers.first),
        "count": callers.count,
        "advertised": str(advertised) if advertised else None,
    }


@dataclass(frozen=True, slots=True)
class Carrier:
    """What carries the packets, as one of the parts that a lab cannot do without."""

    emulation: Emulation
    log: Path
    name: str = "network"

    @property
    def exit_code(self) -> int | None:
        """Exit code, or None while it runs."""
        return self.emulation.exit_code

    def last_words(self) -> str:
        """Where to look."""
        return f"its last second is in {self.log}"
