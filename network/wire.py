"""The wire: network namespaces whose links are this process, which carries packets when the model says.

`python -m network.wire` makes them, says so in a line of JSON, and serves until its standard input ends.
Until it reads `begin` every leg is clean, so that what runs in the namespaces can come up.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from network import serving, spec, topology
from network.dose import Journal, LegDose
from network.emulation import Executor
from network.errors import NetworkError, UnavailableError
from network.forwarding import Forwarding, Lane
from network.leg import links
from network.places import Places
from network.profile import Direction


def _legs(choice: spec.Choice, *, seed: int) -> list[LegDose]:
    return [LegDose(leg, links(leg, profiles, seed=seed)) for leg, profiles in choice.legs.items()]


def _lanes(places: Places, doses: Sequence[LegDose]) -> list[Lane]:
    by_leg = {dose.leg: dose for dose in doses}
    lanes = []
    for path in topology.PATHS:
        near = places.devices[path.near.place, path.near.device]
        far = places.devices[path.far.place, path.far.device]
        lanes.append(Lane(near, far, Direction.UP, by_leg[path.leg]))
        lanes.append(Lane(far, near, Direction.DOWN, by_leg[path.leg]))
    return lanes


def serve(choice: spec.Choice, *, seed: int, journal: Journal | None) -> None:
    """Make the namespaces, announce them, and carry packets until standard input ends.

    Raises:
        UnavailableError: Something that it needs is missing or not allowed.
    """
    try:
        places = Places()
    except OSError as error:
        raise UnavailableError(f"namespaces and their devices cannot be made: {error}") from None
    clean = _legs(spec.choose(spec.CLEAN), seed=seed)
    serving.serve(
        Forwarding(_lanes(places, clean), start_s=time.monotonic(), unread=places.unread),
        Executor.WIRE,
        lambda: _legs(choice, seed=seed),
        announcement={"places": places.announcement()},
        journal=journal,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; 0 when standard input ended, 1 when it cannot, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m network.wire", description=__doc__)
    parser.add_argument("--network", required=True, metavar="SPEC", help="the profiles of the legs")
    parser.add_argument("--seed", type=int, required=True, help="of the random numbers drawn")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the dose to this file")
    options = parser.parse_args(arguments)
    try:
        choice = spec.choose(options.network)
        serve(choice, seed=options.seed, journal=Journal(options.out) if options.out else None)
    except (NetworkError, OSError) as error:
        print(json.dumps({"ready": False, "error": str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
