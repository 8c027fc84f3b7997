"""The wire: network namespaces whose links are this process, which carries packets when the model says.

`python -m network.wire` makes them, says so in a line of JSON, and serves until its standard input ends.
Until it reads `begin` every leg is clean, so that what runs in the namespaces can come up.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from network import priority, spec, topology
from network.dose import Journal, LegDose
from network.errors import NetworkError, UnavailableError
from network.forwarding import Forwarding, Lane
from network.leg import links
from network.places import Places
from network.profile import Direction

_EVERY_S = 1.0
_FORGET_EVERY_S = 30.0
_LEVEL = 20  # of its real-time priority: above everything of the tester
_STDIN = 0


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
    given = priority.take(_LEVEL)
    start_s = time.monotonic()
    doses = _legs(spec.choose(spec.CLEAN), seed=seed)
    forwarding = Forwarding(_lanes(places, doses), start_s=start_s)
    print(
        json.dumps({"ready": True, "pid": os.getpid(), "priority": given, "places": places.announcement()}),
        flush=True,
    )
    began = False
    tick_s, forget_s, cpu_s = start_s + _EVERY_S, start_s + _FORGET_EVERY_S, _cpu_s()
    while True:
        if forwarding.run(tick_s, _STDIN):
            word = os.read(_STDIN, 100).decode()
            if "begin" in word:
                doses, start_s, began = _legs(choice, seed=seed), time.monotonic(), True
                forwarding.begin(doses, start_s=start_s)
                tick_s, forget_s = start_s + _EVERY_S, start_s + _FORGET_EVERY_S
                print(json.dumps({"began_s": start_s}), flush=True)
                continue
        else:
            word = "tick"
        now_s, used_s = time.monotonic(), _cpu_s()
        if began and journal is not None:
            own = {
                "kind": "executor",
                "executor": "wire",
                "priority": given,
                "cpu_s": round(used_s - cpu_s, 4),
                "unread": places.unread(),
                "strangers": forwarding.strangers,
            }
            lines = [line for dose in doses for line in dose.take(now_s - start_s)]
            journal.write([*lines, own], unix=time.time(), at_s=now_s - start_s)
        if not word:
            return
        cpu_s, tick_s = used_s, tick_s + _EVERY_S
        if now_s >= forget_s:
            forget_s += _FORGET_EVERY_S
            forwarding.forget()
            for dose in doses:
                dose.links.forget(now_s - start_s)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


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
