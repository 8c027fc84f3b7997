"""Whether the network did to packets what was asked of it, each check with its remedy."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.delivery import LATE_MS, TAIL_SHARE, Delivered, calling
from analysis.intervals import share_bounds
from analysis.run import Run
from analysis.validity import Check, at_most

SILENT_S = 3.0
OTHER_FATE = 0.001  # of packets: the edge of a window may fall between a probe's sending and its being seen
# Many places are looked at, and one that is found wanting costs the whole run.
_TAIL = 0.001
_DEVIATIONS = 4.0
_OFF = 0.2  # of the loss asked for: as much as outages, which are few, may be off in a short run


def proofs(run: Run, delivered: Sequence[Delivered]) -> list[Check]:
    """All checks of the dose; none where no executor stood between the parts of the system."""
    if not run.emulated:
        return []
    return [
        at_most(
            "network executor silent while calls were up, s",
            _longest_silence(run),
            SILENT_S,
            "The network's executor died, or its network.jsonl was lost: read its log in the run's folder, "
            "and run again.",
        ),
        at_most(
            "packets the network executor was too slow to read",
            _unread(run),
            0,
            "More packets came than the network's executor could take: lower --calls-per-second, give it a "
            "core of its own, or use --network-executor netem where the kernel has it.",
        ),
        _worst(
            f"share of packets more than {LATE_MS:g} ms late in the network, at least",
            [(_leg(each[0]), _late_share(each)) for each in _by_leg(delivered)],
            TAIL_SHARE,
            "The network's executor was kept from its core and added delays of its own: let it have "
            "real-time priority, run fewer calls, or leave the machine to the run.",
        ),
        _worst(
            "share of probes that met another fate than the network's, at least",
            [(place(each), share) for each in delivered if (share := _other_fate(each)) is not None],
            OTHER_FATE,
            "Packets were lost or doubled where it was not asked for: something else drops them (see the "
            "executor's log and the host's UDP errors), so this was not the network that was to be tried.",
        ),
        _worst(
            "delay in the network off what was asked, in tolerances",
            [(place(each), off) for each in delivered if (off := _delay_off(each)) is not None],
            1.0,
            "Packets were slower or faster than the profile says: run `python -m network prove` on it; if "
            "that is fine, leave the machine to the run.",
        ),
        _worst(
            "loss in the network off what was asked, in tolerances",
            [(place(each), off) for each in delivered if (off := _loss_off(each)) is not None],
            1.0,
            "More or fewer packets were lost than the profile says: run `python -m network prove` on it; if "
            "that is fine, repeat the run.",
        ),
    ]


def marked(delivered: Sequence[Delivered]) -> list[Delivered]:
    """The same, each saying whether it is what was asked for: no check of its own broken, its leg in time."""
    late = {each for leg in _by_leg(delivered) if (_late_share(leg) or 0.0) > TAIL_SHARE for each in leg}
    return [
        replace(
            each,
            as_asked=each not in late
            and (_other_fate(each) or 0.0) <= OTHER_FATE
            and (_delay_off(each) or 0.0) <= 1.0
            and (_loss_off(each) or 0.0) <= 1.0,
        )
        for each in delivered
    ]


def place(each: Delivered) -> str:
    """Leg, profile and direction in words."""
    return f"{_leg(each)}, {each.profile}, {each.direction}"


def _leg(each: Delivered) -> str:
    return f"leg {each.leg}"


def _worst(name: str, found: Sequence[tuple[str, float | None]], limit: float, remedy: str) -> Check:
    """The largest of all places' values, which are named where it is beyond the limit."""
    known = [(value, where) for where, value in found if value is not None]
    if not known:
        return Check(name, ok=True, value=None, limit=limit, remedy=remedy)
    value, where = max(known)
    if value <= limit:
        return Check(name, ok=True, value=value, limit=limit, remedy=remedy)
    beyond = sum(value > limit for value, _ in known) - 1
    more = f" and {beyond} more" if beyond else ""
    return Check(f"{name} ({where}{more})", ok=False, value=value, limit=limit, remedy=remedy)


def _longest_silence(run: Run) -> float | None:
    """The longest time without a word of the executor from the first call that was due to the last end."""
    gaps = []
    for dose in run.doses:
        span = calling(run, dose.run_id)
        if dose.executor is None or span is None:
            continue
        said = dose.pulse["unix"].to_numpy(dtype="float64")
        inside = np.sort(said[(said > span[0]) & (said < span[1])])
        gaps.append(float(np.diff([span[0], *inside, span[1]]).max()))
    return max(gaps, default=None)


def _unread(run: Run) -> float | None:
    """Counted since the executor's start."""
    counts = [dose.pulse["unread"].max() for dose in run.doses if dose.pulse["unread"].notna().any()]
    return float(sum(counts)) if counts else None


def _by_leg(delivered: Sequence[Delivered]) -> list[list[Delivered]]:
    """One process carries all of a leg, so how late it was is a matter of the leg."""
    legs: dict[tuple[str, str], list[Delivered]] = {}
    for each in delivered:
        legs.setdefault((each.run_id, each.leg), []).append(each)
    return list(legs.values())


def _late_share(leg: Sequence[Delivered]) -> float | None:
    measured = [each for each in leg if each.late_p99_ms is not None]
    packets = sum(each.delivered for each in measured)
    return _at_least(sum(each.late for each in measured), packets)


def _other_fate(each: Delivered) -> float | None:
    """The share of probes that met another fate than the seeded model's.

    Behind a full queue a moment decides between two packets, and a shared link's queue is full of others'
    packets: there the numbers lost are compared, and the queue's own losses may be among them.
    """
    if each.probes_not_as_asked is None or each.probes_lost_asked is None:
        return None
    if not each.queue_full:
        return _at_least(each.probes_not_as_asked, each.probes)
    by_queue = each.probes * each.queue_full / max(each.offered, 1)
    off = max(
        each.probes_lost_asked - each.probes_lost, each.probes_lost - each.probes_lost_asked - by_queue, 0.0
    )
    return _at_least(off, each.probes)


def _at_least(hits: float, n: int) -> float | None:
    """The share that so many hits prove, one-sided at 99.9 %: a hit among few is no proof."""
    return share_bounds(min(math.floor(hits), n), n, _TAIL)[0] if n else None


def _delay_off(each: Delivered) -> float | None:
    """How far the mean delay of probes is off the model's, in tolerances, where lateness was not measured.

    Both drew their delays anew, so the tolerance is what lateness may be and four standard errors more.
    """
    asked_ms, got_ms, came = each.asked_delay_ms, each.delay_ms, each.probes - each.probes_lost
    if each.late_p99_ms is not None or asked_ms is None or got_ms is None or not came:
        return None
    error_ms = (each.deviation_ms or 0.0) * math.sqrt(2 / came)
    return abs(got_ms - asked_ms) / (LATE_MS + _DEVIATIONS * error_ms)


def _loss_off(each: Delivered) -> float | None:
    """How far the loss is off what was asked, in tolerances; None where that changed over the run.

    The tolerance is four standard errors of a share of losses in bursts (a Gilbert channel's, whose losses
    count as many times fewer as a burst is long, twice over; or as seconds differ where that is more), and a
    fifth of the loss where that is more.
    Where full queues are among the losses those of the probes are looked at, which fill none.
    """
    packets, loss, burst, spread = each.offered, each.loss, each.burst, each.loss_error or 0.0
    if each.queue_full is None:
        packets, burst, spread = each.probes, each.probes_burst, 0.0
        loss = each.probes_lost / packets if packets else None
    asked = each.asked_loss
    if not each.steady or loss is None or asked is None or not 0 < asked < 1:
        return None
    error = math.sqrt(2 * max(burst or 1.0, 1.0) * asked * (1 - asked) / packets)
    return abs(loss - asked) / max(_DEVIATIONS * max(error, spread), _OFF * asked)
