"""The kernel's netem: what of a profile it can do, as arguments of `tc`, and what it cannot, as an error."""

import math
import shutil
import subprocess
from collections.abc import Iterator

from network import theory
from network.errors import CannotExpressError
from network.impairment import Distribution, Fragments, Impairment
from network.profile import Direction, Profile, Scope

_SPARE = 2.0  # times the packets that are under way on average
_LEAST_LIMIT = 1000  # packets: netem's own default, too few from 10,000 packets/s at 100 ms on


def arguments(profile: Profile, direction: Direction, *, packets_per_s: float) -> list[str]:
    """What follows `tc qdisc … netem` for one direction, at up to so many packets a second in its queue.

    netem keeps one state of losses for a queue, so bursts need a queue for each caller. It draws anew at each
    run: which packets are lost does not follow from the profile's seed.

    Raises:
        CannotExpressError: The profile asks for something that netem does otherwise or not at all.
    """
    lacking = [*_lacking_of_profile(profile), *_lacking(profile.direction(direction))]
    if lacking:
        raise CannotExpressError(
            f"netem cannot deliver {profile.name} {direction}: {'; '.join(lacking)}. The wire can"
        )
    one = profile.direction(direction)
    delay = theory.delay(one)
    longest_s = delay.mean_s + 4 * delay.deviation_s
    limit = max(_LEAST_LIMIT, math.ceil(_SPARE * packets_per_s * longest_s))
    return ["limit", str(limit), *_delay(one), *_loss(one), *_duplicate(one)]


def missing() -> list[str]:
    """What keeps netem from working here, a sentence each; empty when nothing does."""
    if shutil.which("tc") is None:
        return ["there is no program tc: install iproute2"]
    refusal = refused(["limit", "1000"])
    return [] if refusal is None else [f"the kernel has no netem ({refusal}): load or build sch_netem"]


def refused(netem: list[str]) -> str | None:
    """What `tc` says against these arguments, tried in a network namespace of its own; None for nothing."""
    command = [
        "unshare",
        "--user",
        "--map-root-user",
        "--net",
        "tc",
        "qdisc",
        "add",
        "dev",
        "lo",
        "root",
        "netem",
    ]
    tried = subprocess.run([*command, *netem], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    return tried.stderr.strip().splitlines()[0] if tried.stderr.strip() else "refused without a word"


def _lacking_of_profile(profile: Profile) -> Iterator[str]:
    if profile.windows:
        yield "it has no windows of time or traffic"
    bursts = any(one.loss is not None and one.loss.mean_burst is not None for one in profile.impairments())
    if bursts and profile.scope is Scope.SHARED:
        yield 'on a shared link it spreads a burst over all flows, where scope = "caller" would do'


def _lacking(one: Impairment) -> Iterator[str]:  # noqa: C901 - a sentence for each thing that it lacks
    if one.jitter is not None:
        if one.jitter.ordered:
            yield "its jitter turns packets around, so write ordered = false"
        if one.jitter.time_constant_ms:
            yield "its correlation of delays shrinks the jitter"
        if one.jitter.distribution is Distribution.EXPONENTIAL:
            yield "it has no exponential jitter"
        if one.jitter.distribution is Distribution.PARETO:
            yield "its Pareto jitter ends at four deviations"
    if one.outages is not None:
        yield "it has no outages"
    if one.rate_kbps is not None:
        yield "its queue is bounded in packets, and those that are merely delayed count"
    if one.slot_ms is not None:
        yield "its slots are of another kind"
    if one.retransmission is not None:
        yield "it has no retransmission"
    if one.reorder is not None:
        yield "its reordered packets skip the whole delay"
    if one.duplicate and one.loss is not None:
        yield "it delivers a packet that is both lost and doubled"
    if one.mtu_bytes is not None or one.fragments is Fragments.DROP:
        yield "it does not look at sizes and fragments"


def _delay(one: Impairment) -> list[str]:
    if one.jitter is None:
        return ["delay", _ms(one.delay_ms)] if one.delay_ms else []
    if one.jitter.distribution is Distribution.UNIFORM:  # netem's is around the mean
        half_ms = one.jitter.ms / 2
        return ["delay", _ms(one.delay_ms + half_ms), _ms(half_ms)]
    return ["delay", _ms(one.delay_ms), _ms(one.jitter.ms), "distribution", "normal"]


def _loss(one: Impairment) -> list[str]:
    loss = one.loss
    if loss is None or loss.rate == 0:
        return []
    if loss.mean_burst is None or loss.rate == 1:
        return ["loss", "random", _percent(loss.rate)]
    leave_bad = 1 / loss.burst
    return ["loss", "gemodel", _percent(leave_bad * loss.rate / (1 - loss.rate)), _percent(leave_bad)]


def _duplicate(one: Impairment) -> list[str]:
    return ["duplicate", _percent(one.duplicate)] if one.duplicate else []


def _ms(value: float) -> str:
    return f"{value:.6g}ms"


def _percent(share: float) -> str:
    return f"{100 * share:.8g}%"
