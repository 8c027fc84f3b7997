"""The kernel's netem as the executor: network namespaces, links of the kernel's between them, queues by `tc`.

`python -m network.netem` makes them, says so in a line of JSON, and serves until its standard input ends.
Until it reads `begin` every leg is clean. The kernel carries the packets; this process only asks it how many.
"""

import argparse
import functools
import json
import os
import select
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from network import netem_arguments, netem_jitter, netem_tree, serving, spec, topology
from network.dose import Journal
from network.emulation import Executor
from network.errors import NetworkError, UnavailableError
from network.netem_dose import NetemDose
from network.netem_places import LinkedPlaces, run
from network.profile import Direction
from network.topology import Place


class Netem:
    """The queues of all legs, passed by until `begin`.

    Raises:
        CannotExpressError: Netem cannot deliver a profile.
        UnavailableError: This machine lacks something that it needs.
    """

    def __init__(self, choice: spec.Choice) -> None:
        netem_arguments.check(choice)
        self._choice = choice
        self._queues = {leg: netem_tree.queues(leg, profiles) for leg, profiles in choice.legs.items()}
        self._doses: Sequence[NetemDose] = ()
        try:
            self.places = LinkedPlaces({leg: len(queues) + 1 for leg, queues in self._queues.items()})
        except OSError as error:
            raise UnavailableError(
                f"namespaces cannot be made: {error}; run as root, or allow unprivileged user namespaces"
            ) from None
        with tempfile.TemporaryDirectory(prefix="ringtime-netem-") as folder:
            netem_jitter.write(Path(folder))
            for path in topology.PATHS:
                for direction, end in ((Direction.UP, path.near), (Direction.DOWN, path.far)):
                    lines = netem_tree.preparation(
                        end.device, direction, choice.legs[path.leg], self._queues[path.leg]
                    )
                    self._tell(end.place, lines, tables=folder)
        self.places.up()

    @property
    def strangers(self) -> int:
        """Packets since `begin` that no queue was for."""
        return sum(sum(dose.strangers.values()) for dose in self._doses)

    def doses(self) -> Sequence[NetemDose]:
        """What counts each leg's packets."""
        return [
            NetemDose(
                path.leg,
                self._choice.legs[path.leg],
                self._queues[path.leg],
                functools.partial(self._shown, path),
            )
            for path in topology.PATHS
        ]

    def begin(self, doses: Sequence[NetemDose], *, start_s: float) -> None:
        """Put the queues in force."""
        self._doses = doses
        for place in Place:
            self._tell(place, [netem_tree.begin(end.device) for end, _ in topology.ends(place)])

    def run(self, until_s: float, listen: int) -> bool:
        """Wait for a moment, or until there is something to read from `listen`: then True."""
        return bool(select.select([listen], (), (), max(until_s - time.monotonic(), 0.0))[0])

    def forget(self) -> None:
        """The kernel remembers no flows."""

    def unread(self) -> int:
        """Packets lost since the start because the far end of a link could not take them in."""
        return self.places.unread()

    def _tell(self, place: Place, lines: Iterable[str], *, tables: str = "") -> None:
        self.places.enter(place)
        environment = os.environ | ({"TC_LIB_DIR": tables} if tables else {})
        run(["tc", "-batch", "-"], "".join(f"{line}\n" for line in lines), environment=environment)

    def _shown(self, path: topology.Path, direction: Direction) -> str:
        end = path.near if direction is Direction.UP else path.far
        self.places.enter(end.place)
        return run(["tc", "-s", "-j", "qdisc", "show", "dev", end.device])


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; 0 when standard input ended, 1 when it cannot, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m network.netem", description=__doc__)
    parser.add_argument("--network", required=True, metavar="SPEC", help="the profiles of the legs")
    parser.add_argument("--seed", type=int, help="not used: netem draws anew at each run")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the dose to this file")
    options = parser.parse_args(arguments)
    try:
        netem = Netem(spec.choose(options.network))
        serving.serve(
            netem,
            Executor.NETEM,
            netem.doses,
            announcement={"places": netem.places.announcement()},
            journal=Journal(options.out) if options.out else None,
        )
    except (NetworkError, OSError) as error:
        print(json.dumps({"ready": False, "error": str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
