"""The program that measures a leg, `python -m network.measuring REQUEST`: packet by packet, or each second.

It is a process of its own because it moves through namespaces, and goes before all others but the wire.
"""

import dataclasses
import itertools
import json
import math
import select
import sys
import time
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from network import language, priority
from network.dose import Journal
from network.errors import NetworkError
from network.ledger import Passage, summary
from network.leg import Links
from network.namespace import Namespace
from network.probe import PORT, Ends, Probe
from network.profile import Direction
from network.trace import VOICE_EVERY_S

_LEVEL = 10  # of its real-time priority: below the wire's


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to measure, in values that JSON has.

    With a `journal` a summary of each second is written there until standard input ends; without one every
    packet is printed once `for_s` has gone by.
    """

    leg: str
    profiles: Sequence[str]
    numbers: Sequence[int]  # of the profile that each near address is under
    seed: int
    began_s: float
    near_addresses: Sequence[str]
    far_address: str
    near_aliases: Sequence[str] = ()  # by which the other side knows them, where that differs
    far_alias: str | None = None
    near: Mapping[str, str | None] | None = None  # namespaces
    far: Mapping[str, str | None] | None = None
    for_s: float | None = None
    every_s: float = VOICE_EVERY_S
    port: int = PORT
    journal: str | None = None
    seeded: bool = True  # whether the executor draws what the model does


def serve(request: Request) -> None:
    """Measure what is asked for.

    Raises:
        WireError: An address cannot be measured from.
        OSError: The namespaces are gone, or the journal cannot be written.
    """
    profiles = [language.load(name) for name in request.profiles]
    near = [IPv4Address(each) for each in request.near_addresses]
    numbers = {each.packed: number for each, number in zip(near, request.numbers, strict=True)}
    own = Links(profiles, lambda address: numbers.get(address, -1), seed=request.seed)
    ends = Ends(
        _namespace(request.near),
        _namespace(request.far),
        near,
        IPv4Address(request.far_address),
        request.near_aliases or request.near_addresses,
        request.far_alias or request.far_address,
    )
    journal = Journal(Path(request.journal)) if request.journal is not None else None
    priority.take(_LEVEL)
    with Probe(ends, own, began_s=request.began_s, every_s=request.every_s, port=request.port) as probe:
        if journal is None:
            for passages in list(probe.run(request.for_s or math.inf)):
                for each in passages:
                    print(json.dumps(dataclasses.astuple(each)))
            return
        for passages in probe.run(request.for_s or math.inf, _is_over):
            lines = [
                {
                    "kind": "probe",
                    "leg": request.leg,
                    "profile": profiles[number].name,
                    "direction": direction,
                }
                | summary(
                    [
                        each
                        for each in passages
                        if each.direction is direction and request.numbers[each.flow] == number
                    ],
                    seeded=request.seeded,
                )
                for number, direction in itertools.product(sorted(set(request.numbers)), Direction)
            ]
            journal.write(lines, unix=time.time(), at_s=time.monotonic() - request.began_s)


def _namespace(paths: Mapping[str, str | None] | None) -> Namespace | None:
    return None if paths is None else Namespace(**paths)  # type: ignore[arg-type]


def passage(line: str) -> Passage:
    """A packet as this program prints it."""
    direction, flow, sent_s, due_s, arrived_s = json.loads(line)
    return Passage(Direction(direction), flow, sent_s, tuple(due_s), arrived_s)


def _is_over() -> bool:
    return bool(select.select([sys.stdin], (), (), 0)[0])


def main(arguments: Sequence[str]) -> int:
    """Measure; 0 when it is done, 1 when it cannot be."""
    keys: dict[str, Any] = json.loads(arguments[0])
    try:
        serve(Request(**keys))
    except (NetworkError, OSError) as error:
        print(f"the measurement ended: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
