"""The queues of a netem leg, and the commands of `tc` that make them: who goes through which, and how.

A device has a queue of its own (mq) for each near end that netem must keep something in mind for, or one for
all of a profile where it need not. A flower filter on the near end's address picks the queue as a packet goes
out (skbedit), in the same time whatever their number, and each queue waits for its own packets alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from network import netem_arguments, topology
from network.profile import Direction, Leg, Profile

MOST_QUEUES = 1000  # of callers on one device, for all of its profiles; each caller has one
_CALLER_PACKETS_PER_S = 1000
_SHARED_PACKETS_PER_S = 100_000
_CLEAN_PACKETS = 10_000
_UNTIL_BEGIN, _TO_QUEUES, _STRANGERS = 1, 2, 3  # preference of the filters: the first that takes a packet


@dataclass(frozen=True, slots=True)
class Queue:
    """One netem: its number on the device from 1 (0 is for the time before `begin`), and its near ends."""

    number: int
    profile: int
    near: IPv4Network


def callers(profiles: Sequence[Profile], number: int) -> int:
    """How many callers there can be under the profile of that number."""
    if not netem_arguments.has_queue_each(profiles[number]):
        return topology.MOST_CALLERS
    return MOST_QUEUES // len(profiles)


def queues(leg: Leg, profiles: Sequence[Profile]) -> list[Queue]:
    """The queues of a leg, the same at both its ends."""
    found: list[Queue] = []
    for number, profile in enumerate(profiles):
        if netem_arguments.has_queue_each(profile):
            near = [topology.caller(each, profile=number) for each in range(callers(profiles, number))]
            networks = [IPv4Network(each) for each in (*near, topology.probe(leg, profile=number))]
        else:
            networks = [topology.block(leg, profile=number)]
        found += [Queue(first, number, network) for first, network in enumerate(networks, len(found) + 1)]
    return found


def preparation(
    device: str, direction: Direction, profiles: Sequence[Profile], queues: Sequence[Queue]
) -> Iterator[str]:
    """What makes the queues on the device at whose end packets of that direction go out; all pass by, clean.

    Raises:
        CannotExpressError: A profile asks for something that netem does otherwise or not at all.
    """
    end = "src_ip" if direction is Direction.UP else "dst_ip"
    netem = [
        netem_arguments.arguments(
            profile,
            direction,
            packets_per_s=_CALLER_PACKETS_PER_S
            if netem_arguments.has_queue_each(profile)
            else _SHARED_PACKETS_PER_S,
        )
        for profile in profiles
    ]
    yield f"qdisc add dev {device} root handle 1: mq"
    yield f"qdisc add dev {device} parent 1:1 pfifo limit {_CLEAN_PACKETS}"
    yield f"qdisc add dev {device} clsact"
    add = f"filter add dev {device} egress pref"
    yield f"{add} {_UNTIL_BEGIN} protocol all matchall action skbedit queue_mapping 0"
    yield f"{add} {_STRANGERS} protocol all matchall action drop"
    for queue in queues:
        yield f"qdisc add dev {device} parent 1:{queue.number + 1:x} netem {' '.join(netem[queue.profile])}"
        yield (
            f"{add} {_TO_QUEUES} protocol ip flower {end} {queue.near} "
            f"action skbedit queue_mapping {queue.number}"
        )


def begin(device: str) -> str:
    """What puts the queues of a device in force, all at the same moment."""
    return f"filter del dev {device} egress pref {_UNTIL_BEGIN}"
