"""Which executor can deliver a choice of networks here, and why the others cannot."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from network import netem_arguments, relay
from network.emulation import Executor
from network.errors import CannotExpressError, UnavailableError
from network.executor import missing_for_wire
from network.netem_run import missing_for_netem
from network.profile import Leg
from network.spec import CLEAN, Choice


class _Executing(NamedTuple):
    """What an executor refuses anywhere, and what keeps it from working here, a sentence each."""

    check: Callable[[Choice], None]
    missing: Callable[[], list[str]]


def _check_for_relay(choice: Choice) -> None:
    for leg, profiles in choice.legs.items():
        for profile in profiles:
            if leg is Leg.CALLER:
                relay.check(profile, tcp=False)
            elif profile.origin != CLEAN:
                reason = _ROUND_THE_RELAY[leg]
                raise CannotExpressError(
                    f"a relay cannot put {profile.name} on the leg {leg}: {reason}. The wire can"
                )


_ROUND_THE_RELAY = {
    Leg.AGENT: "WebRTC picks its ports and candidates itself, and would go round it",
    Leg.SETTINGS: "it carries the callers' UDP alone",
}
_EXECUTORS = {
    Executor.WIRE: _Executing(lambda _: None, lambda: missing_for_wire()),
    Executor.RELAY: _Executing(_check_for_relay, list),
    Executor.NETEM: _Executing(netem_arguments.check, lambda: missing_for_netem()),
}
_BY_ITSELF = (Executor.WIRE, Executor.RELAY)  # netem draws anew at each run, so it has to be asked for


def check(executor: Executor, choice: Choice) -> None:
    """Refuse a choice that an executor cannot deliver anywhere.

    Raises:
        CannotExpressError: With what it lacks, and which executors do not.
    """
    _EXECUTORS[executor].check(choice)


def missing(executor: Executor) -> list[str]:
    """What keeps an executor from working here, a sentence each; empty when nothing does."""
    return _EXECUTORS[executor].missing()


def choose(choice: Choice, wanted: Executor | None = None) -> Executor:
    """The best executor that can deliver a choice here, or the one that is wanted if it can.

    Raises:
        CannotExpressError: The one that is wanted cannot anywhere; with what it lacks, and which can.
        UnavailableError: It cannot here, or none can; with the reason of each.
    """
    if wanted is not None:
        check(wanted, choice)
        if lacking := missing(wanted):
            raise UnavailableError(f"{wanted} cannot deliver {choice} here: {'; '.join(lacking)}")
        return wanted
    reasons = []
    for executor in _BY_ITSELF:
        if not (lacking := list(_reasons(executor, choice))):
            return executor
        reasons.append(f"{executor}: {'; '.join(lacking)}")
    raise UnavailableError(f"no executor can deliver {choice} here. {'. '.join(reasons)}")


def _reasons(executor: Executor, choice: Choice) -> Iterator[str]:
    try:
        check(executor, choice)
    except CannotExpressError as error:
        yield str(error)
    yield from missing(executor)
