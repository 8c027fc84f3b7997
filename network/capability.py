"""Which executor can deliver a choice of networks here, and why the others cannot."""

import enum
from collections.abc import Iterator

from network import relay
from network.errors import CannotExpressError, UnavailableError
from network.executor import missing_for_wire
from network.profile import Leg
from network.spec import Choice


class Executor(enum.StrEnum):
    """What carries out a profile, in the order of preference."""

    WIRE = "wire"
    RELAY = "relay"


def check(executor: Executor, choice: Choice) -> None:
    """Refuse a choice that an executor cannot deliver anywhere.

    Raises:
        CannotExpressError: With what it lacks, and which executors do not.
    """
    if executor is Executor.WIRE:
        return
    for leg, profiles in choice.legs.items():
        if len(profiles) > 1:
            names = " and ".join(profile.name for profile in profiles)
            raise CannotExpressError(f"a relay has one profile a leg, not {names}. The wire can")
        relay.check(profiles[0], tcp=leg is not Leg.CALLER)  # WebSocket and HTTPS on the agent's legs


def missing(executor: Executor) -> list[str]:
    """What keeps an executor from working here, a sentence each; empty when nothing does."""
    return missing_for_wire() if executor is Executor.WIRE else []


def choose(choice: Choice) -> Executor:
    """The best executor that can deliver a choice here.

    Raises:
        UnavailableError: None can; with the reason of each.
    """
    reasons = []
    for executor in Executor:
        lacking = list(_reasons(executor, choice))
        if not lacking:
            return executor
        reasons.append(f"{executor}: {'; '.join(lacking)}")
    raise UnavailableError(f"no executor can deliver {choice} here. {'. '.join(reasons)}")


def _reasons(executor: Executor, choice: Choice) -> Iterator[str]:
    try:
        check(executor, choice)
    except CannotExpressError as error:
        yield str(error)
    yield from missing(executor)
