"""What of a profile the kernel's netem can do, as arguments of `tc`, and what it cannot, as an error."""

import math
from collections.abc import Iterator

from network import netem_jitter, theory
from network.errors import CannotExpressError
from network.impairment import Distribution, Fragments, Impairment
from network.profile import Direction, Leg, Profile, Scope
from network.spec import Choice

_SPARE = 2.0  # times the packets that are under way on average
_LEAST_LIMIT = 1000  # packets: netem's own default, too few from 10,000 packets/s at 100 ms on
_IN_ORDER = ("rate", "100gbit")


def check(choice: Choice) -> None:
    """Refuse a choice that netem cannot deliver anywhere.

    Raises:
        CannotExpressError: With what it lacks, and which executors do not.
    """
    for leg, profiles in choice.legs.items():
        for profile in profiles:
            for direction in Direction:
                arguments(profile, direction, leg=leg, packets_per_s=0)


def has_queue_each(profile: Profile) -> bool:
    """Whether every caller needs a queue of its own: netem keeps its state of losses and order for a queue.

    Without bursts and order each packet's fate is its own, in whatever queue it is.
    """
    return any(_has_bursts(one) or _is_ordered(one) for one in profile.impairments())


def arguments(
    profile: Profile, direction: Direction, *, leg: Leg = Leg.CALLER, packets_per_s: float
) -> list[str]:
    """What follows `tc qdisc … netem` for one direction, at up to so many packets a second in its queue.

    It draws anew at each run: which packets are lost does not follow from the profile's seed.

    Raises:
        CannotExpressError: The profile asks for something that netem does otherwise or not at all.
    """
    one = profile.direction(direction)
    if lacking := [*_lacking_of_link(profile, leg), *_lacking(one)]:
        raise CannotExpressError(
            f"netem cannot deliver {profile.name} {direction}: {'; '.join(lacking)}. The wire can"
        )
    delay = theory.delay(one)
    limit = max(_LEAST_LIMIT, math.ceil(_SPARE * packets_per_s * (delay.mean_s + 4 * delay.deviation_s)))
    return ["limit", str(limit), *_delay(one), *_loss(one), *_duplicate(one), *_order(one)]


def _lacking_of_link(profile: Profile, leg: Leg) -> Iterator[str]:
    if profile.windows:
        yield "it has no windows of time or traffic"
    if profile.nat is not None:
        yield "it changes no ports"
    if not has_queue_each(profile) or (leg is Leg.CALLER and profile.scope is Scope.CALLER):
        return
    link, remedy = (
        f"the leg {leg}",
        "there it delivers losses without mean_burst and jitter with ordered = false",
    )
    if leg is Leg.CALLER:
        link, remedy = "a shared link", 'scope = "caller" would do'
    if any(_has_bursts(one) for one in profile.impairments()):
        yield f"on {link} it spreads a burst over all flows: {remedy}"
    else:
        yield f"on {link} its jitter is in order among all flows, which makes it a delay: {remedy}"


def _lacking(one: Impairment) -> Iterator[str]:
    jitter = one.jitter
    for is_asked, sentence in (
        (jitter and jitter.time_constant_ms, "its correlation of delays shrinks the jitter"),
        (
            jitter and jitter.distribution is Distribution.PARETO,
            "its tables of jitter end before a Pareto jitter's tail does",
        ),
        (one.outages, "it has no outages"),
        (one.rate_kbps, "its queue is bounded in packets, and those that are merely delayed count"),
        (one.slot_ms, "its slots are of another kind"),
        (one.retransmission, "it has no retransmission"),
        (one.reorder, "its reordered packets skip the whole delay"),
        (one.duplicate and one.loss, "it delivers a packet that is both lost and doubled"),
        (one.duplicate and jitter, "it delays the two of a doubled packet differently"),
        (one.mtu_bytes or one.fragments is Fragments.DROP, "it does not look at sizes and fragments"),
    ):
        if is_asked:
            yield sentence


def _has_bursts(one: Impairment) -> bool:
    return one.loss is not None and one.loss.mean_burst is not None and 0 < one.loss.rate < 1


def _is_ordered(one: Impairment) -> bool:
    return one.jitter is not None and one.jitter.ordered


def _delay(one: Impairment) -> list[str]:
    jitter = one.jitter
    if jitter is None:
        return ["delay", _ms(one.delay_ms)] if one.delay_ms else []
    mean_ms = 1000 * theory.delay(one).mean_s
    if jitter.distribution is Distribution.UNIFORM:  # netem's own, half of its width around the mean
        return ["delay", _ms(mean_ms), _ms(jitter.ms / 2)]
    return ["delay", _ms(mean_ms), _ms(netem_jitter.unit_ms(jitter)), "distribution", jitter.distribution]


def _loss(one: Impairment) -> list[str]:
    loss = one.loss
    if loss is None or loss.rate == 0:
        return []
    if not _has_bursts(one):
        return ["loss", "random", _percent(loss.rate)]
    leave_bad = 1 / loss.burst
    return ["loss", "gemodel", _percent(leave_bad * loss.rate / (1 - loss.rate)), _percent(leave_bad)]


def _duplicate(one: Impairment) -> list[str]:
    return ["duplicate", _percent(one.duplicate)] if one.duplicate else []


def _order(one: Impairment) -> list[str]:
    """At a rate a packet waits until the one before it is gone; at this one it is gone within 0.2 µs."""
    return list(_IN_ORDER) if _is_ordered(one) else []


def _ms(value: float) -> str:
    return f"{value:.6g}ms"


def _percent(share: float) -> str:
    return f"{100 * share:.8g}%"
