"""What was delivered on each leg, under each profile and in each direction, while calls were up."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from analysis.dose import LEG_COUNTS, LEGS, PLACE, Dose
from analysis.lateness import Lateness
from analysis.run import Run

LATE_MS = 2.0  # beyond this the executor is no part of the network any more
_ALTERED = ("outage", "unmapped", "too_large", "queue_full", "lost", "reordered", "duplicated")
TAIL_SHARE = 0.01  # of packets, so that LATE_MS is a limit on their 99th percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One direction of a leg under one profile: what was asked for, and what there was.

    Delays in ms, of the packets sent on; loss is the share lost by chance and in outages, `queue_full` and
    `too_large` packets aside; where `queue_full` is None the executor has those among the lost. `steady` says
    whether the same loss was asked for all the time. `late` is the estimated number of packets that were sent
    on more than `LATE_MS` later than asked for, `late_p99_ms` the
    99th percentile of all lateness. The `probes` went from end to end. What an executor cannot tell is None.
    `as_asked` is for `analysis.proof` to say.
    """

    run_id: str
    leg: str
    profile: str
    direction: str
    seconds: int
    offered: int
    delivered: int
    queue_full: int | None
    too_large: int
    altered: int
    asked_delay_ms: float | None
    delay_ms: float | None
    asked_deviation_ms: float | None
    deviation_ms: float | None
    asked_loss: float | None
    loss: float | None
    loss_error: float | None
    burst: float | None
    steady: bool
    late: float
    late_p99_ms: float | None
    probes: int
    probes_not_as_asked: int | None
    probes_lost_asked: int | None
    probes_lost: int
    probes_burst_asked: float | None
    probes_burst: float | None
    as_asked: bool = True


def deliveries(run: Run) -> list[Delivered]:
    """One entry a run, leg, profile and direction that had packets while calls were up, in this order."""
    return [
        found
        for dose in run.doses
        if dose.executor is not None and (span := calling(run, dose.run_id)) is not None
        for found in _of(dose, span)
    ]


def calling(run: Run, run_id: str) -> tuple[float, float] | None:
    """When the run's first counted call was due and its last ended (wall time), or None without a call."""
    arms = [arm.name for arm in run.arms if arm.run_id == run_id]
    attempts = run.attempts()
    own = attempts[attempts["arm"].isin(arms)]
    if own.empty:
        return None
    return float((own["zero_unix"] + own["due_s"]).min()), float((own["zero_unix"] + own["ended_s"]).max())


def _of(dose: Dose, span: tuple[float, float]) -> Iterator[Delivered]:
    # A row tells of the second before it.
    legs = dose.legs[dose.legs["unix"].between(span[0], span[1] + 1)]
    probes = dict(_places(dose.probes))
    for place, seconds in sorted(_places(legs), key=lambda each: LEGS.index(each[0][0])):
        yield _delivered(dose.run_id, place, seconds, probes.get(place, dose.probes.iloc[:0]))


def _places(table: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    for place, rows in table.groupby(list(PLACE), sort=False):
        yield tuple(map(str, place)), rows


def _delivered(run_id: str, place: tuple[str, ...], legs: pd.DataFrame, probes: pd.DataFrame) -> Delivered:
    leg, profile, direction = place
    counts = {name: int(legs[name].sum()) for name in LEG_COUNTS}
    timed, weights = legs, legs["delivered"]
    if not timed["delay_ms_mean"].notna().any():  # the kernel times nothing, probes do
        timed, weights = probes, probes["sent"] - probes["lost"]
    asked_ms, asked_deviation_ms = _moments(timed, weights, "asked_mean", "asked_deviation")
    got_ms, got_deviation_ms = _moments(timed, weights, "mean", "deviation")
    lateness = Lateness.of(legs)
    known = legs[legs["asked_loss"].notna()]
    weight = known["offered"].sum()
    sent = int(probes["sent"].sum())
    return Delivered(
        run_id=run_id,
        leg=leg,
        profile=profile,
        direction=direction,
        seconds=len(legs),
        offered=counts["offered"],
        delivered=counts["delivered"],
        queue_full=_count(legs["queue_full"]),
        too_large=counts["too_large"],
        altered=sum(counts[name] for name in _ALTERED),
        asked_delay_ms=asked_ms,
        delay_ms=got_ms,
        asked_deviation_ms=asked_deviation_ms,
        deviation_ms=got_deviation_ms,
        asked_loss=float((known["asked_loss"] * known["offered"]).sum() / weight) if weight else None,
        loss=_loss(counts),
        loss_error=_loss_error(legs),
        burst=counts["lost"] / counts["bursts"] if counts["bursts"] else None,
        steady=known["asked_loss"].nunique() == 1,
        late=lateness.beyond(LATE_MS),
        late_p99_ms=lateness.quantile_ms(1 - TAIL_SHARE),
        probes=sent,
        probes_not_as_asked=_count(probes["not_as_asked"]),
        probes_lost_asked=_count(probes["lost_asked"]),
        probes_lost=int(probes["lost"].sum()),
        probes_burst_asked=_burst(probes, "lost_asked", "burst_asked"),
        probes_burst=_burst(probes, "lost", "burst"),
    )


def _loss(counts: dict[str, int]) -> float | None:
    """Outages take from all packets, chance from those that got past outage, MTU and queue."""
    offered = counts["offered"]
    drawn = offered - sum(counts[name] for name in ("outage", "unmapped", "too_large", "queue_full"))
    if not offered:
        return None
    passing = 1 - counts["lost"] / drawn if drawn else 1.0
    return 1 - passing * (1 - counts["outage"] / offered)


def _loss_error(legs: pd.DataFrame) -> float | None:
    """Standard error of the share lost, from how it differs between seconds: an outage takes all of one."""
    lost, offered = legs["lost"] + legs["outage"], legs["offered"]
    if len(legs) < 2 or not offered.sum() > 0:
        return None
    residue = lost - offered * float(lost.sum() / offered.sum())
    return math.sqrt(float((residue**2).sum()) * len(legs) / (len(legs) - 1)) / float(offered.sum())


def _count(values: pd.Series) -> int | None:
    return int(values.sum()) if values.notna().any() else None


def _burst(probes: pd.DataFrame, lost: str, burst: str) -> float | None:
    """The mean of all seconds' bursts, each as often as it occurred."""
    bursts = (probes[lost] / probes[burst]).sum()
    return float(probes.loc[probes[burst].notna(), lost].sum() / bursts) if bursts else None


def _moments(
    timed: pd.DataFrame, packets: pd.Series, mean: str, deviation: str
) -> tuple[float | None, float | None]:
    """Mean and deviation over all seconds, from those of each and its number of packets."""
    means, deviations = timed[f"delay_ms_{mean}"], timed[f"delay_ms_{deviation}"]
    weights = packets.where(means.notna(), 0)
    total = weights.sum()
    if not total:
        return None, None
    over_all = float((means * weights).sum() / total)
    squares = float(((deviations**2 + means**2) * weights).sum() / total)
    return over_all, math.sqrt(max(squares - over_all**2, 0.0))
