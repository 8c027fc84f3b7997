"""A profile in words."""

from collections.abc import Iterator

from network.impairment import DEFAULT_QUEUE_MS, Distribution, Fragments, Impairment, Jitter
from network.profile import Direction, Profile, Scope, Selection, Window

_SELECTED = {
    Selection.ALL: "",
    Selection.UDP: " of UDP",
    Selection.SIGNALLING: " of signalling",
    Selection.BYE: " of BYE",
    Selection.MEDIA: " of media",
}


def lines(profile: Profile) -> Iterator[str]:
    """What a profile says, a sentence a line."""
    whose = "each near end has a link of its own" if profile.scope is Scope.CALLER else "all share one link"
    yield f"{profile.name}: {profile.title}"
    yield f"source: {profile.source}"
    yield f"on the leg of: {profile.leg}, {whose}"
    yield f"calls: {'live through it' if profile.voice else 'suffer'}, most end as {profile.expect}"
    yield from _directions(profile)
    if profile.nat is not None:
        rebind = profile.nat.rebind
        again = f", and every {rebind.every_s:g} s" if rebind.every_s < float("inf") else ""
        flows = _SELECTED[rebind.traffic] or " of UDP"
        yield f"a NAT gives a flow{flows} another port {rebind.after_s:g} s after it began{again}"
    for window in profile.windows:
        yield f"{_when(window)}{_SELECTED[window.traffic]}:"
        yield from (f"  {line}" for line in _directions(window))


def _directions(part: Profile | Window) -> Iterator[str]:
    if part.up == part.down:
        yield f"both directions: {impairment(part.up)}"
        return
    for direction in Direction:
        yield f"{direction}: {impairment(part.direction(direction))}"


def _when(window: Window) -> str:
    if window.every_s is not None:
        return f"for {window.for_s:g} s of every {window.every_s:g} s, from {window.from_s:g} s on"
    if window.for_s < float("inf"):
        return f"for {window.for_s:g} s, {window.from_s:g} s into the run"
    return f"from {window.from_s:g} s to the end" if window.from_s else "all the time"


def impairment(one: Impairment) -> str:
    """What is done to one direction."""
    return ", ".join(_parts(one)) or "nothing is done"


def _parts(one: Impairment) -> Iterator[str]:  # noqa: C901 - a part of a sentence for each key there is
    if one.delay_ms:
        yield f"{one.delay_ms:g} ms"
    if one.jitter is not None:
        yield _jitter(one.jitter)
    if (loss := one.loss) is not None and loss.rate == 1:
        yield "everything lost"
    elif loss is not None:
        burst = f" in bursts of {loss.mean_burst:g}" if loss.mean_burst is not None else ""
        yield f"{100 * loss.rate:g} % lost{burst}"
    if (outages := one.outages) is not None:
        yield f"away {outages.per_s:g} times a second for {outages.from_ms:g} to {outages.to_ms:g} ms"
    if one.rate_kbps is not None:
        queue_ms = DEFAULT_QUEUE_MS if one.queue_ms is None else one.queue_ms
        queue = f"{queue_ms:g} ms" if one.queue_bytes is None else f"{one.queue_bytes:g} bytes"
        yield f"{one.rate_kbps:g} kbit/s behind a queue of {queue}"
    if one.slot_ms is not None:
        yield f"let through every {one.slot_ms:g} ms"
    if (again := one.retransmission) is not None:
        yield f"{100 * again.rate:g} % sent again {again.by_ms:g} ms later"
    if (overtaken := one.reorder) is not None:
        yield f"{100 * overtaken.rate:g} % overtaken for {overtaken.by_ms:g} ms"
    if one.duplicate:
        yield f"{100 * one.duplicate:g} % doubled"
    if one.mtu_bytes is not None:
        yield f"nothing over {one.mtu_bytes:g} bytes"
    if one.fragments is Fragments.DROP:
        yield "no fragments"


def _jitter(jitter: Jitter) -> str:
    spread = {
        Distribution.UNIFORM: f"{jitter.ms:g} ms of even jitter",
        Distribution.NORMAL: f"normal jitter of deviation {jitter.ms:g} ms",
        Distribution.EXPONENTIAL: f"exponential jitter of mean {jitter.ms:g} ms",
        Distribution.PARETO: f"Pareto jitter of mean {jitter.ms:g} ms",
    }[jitter.distribution]
    slow = f" that changes over {jitter.time_constant_ms:g} ms" if jitter.time_constant_ms else ""
    return spread + slow + ("" if jitter.ordered else ", out of order")
