"""What an impairment comes to in the long run, by arithmetic: what the model is held against."""

from dataclasses import dataclass

from network.distribution import deviation_s, mean_s, quantile_s
from network.impairment import Impairment


@dataclass(frozen=True, slots=True)
class Delay:
    """A one-way delay in seconds, without what a queue, a slot or a packet ahead adds."""

    mean_s: float
    deviation_s: float
    p50_s: float
    p99_s: float


def delay(impairment: Impairment) -> Delay:
    """The delay of a packet by itself."""
    constant_s, jitter = impairment.delay_ms / 1000, impairment.jitter
    if jitter is None:
        return Delay(constant_s, 0.0, constant_s, constant_s)
    return Delay(
        constant_s + mean_s(jitter),
        deviation_s(jitter),
        constant_s + quantile_s(jitter, 0.5),
        constant_s + quantile_s(jitter, 0.99),
    )


def loss_share(impairment: Impairment) -> float:
    """The share of packets lost on the way, outages included, full queues not."""
    passing = 1.0 if impairment.loss is None else 1 - impairment.loss.rate
    return 1 - passing * (1 - outage_share(impairment))


def outage_share(impairment: Impairment) -> float:
    """The share of time in which the link is away."""
    if (outages := impairment.outages) is None:
        return 0.0
    mean_outage_s = (outages.from_ms + outages.to_ms) / 2000
    return mean_outage_s / (mean_outage_s + 1 / outages.per_s)
