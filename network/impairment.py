"""What one direction of a link does to its packets, as numbers that cannot contradict each other."""

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass

_NORMAL_REACH = 4.0  # standard deviations below the mean that a delay must leave room for
DEFAULT_QUEUE_MS = 200.0
SMALLEST_MTU_BYTES = 68  # RFC 791: every link carries a datagram of 68 bytes whole


ABSENT = object()
"""The value of a key that is not there."""


class ImpossibleError(ValueError):
    """A key cannot have this value, and what would do."""

    def __init__(self, key: str, value: object, remedy: str) -> None:
        fault = "is missing" if value is ABSENT else f"cannot be {value!r}"
        super().__init__(f"{key} {fault}: {remedy}")
        self.key = key
        self.value = value
        self.remedy = remedy

    def under(self, table: str) -> "ImpossibleError":
        """The same, with the key's name seen from outside the table that it is in."""
        return ImpossibleError(f"{table}.{self.key}", self.value, self.remedy)


class Distribution(enum.StrEnum):
    """How a jitter is spread; its one number is the peak-to-peak width, the deviation, or the mean."""

    UNIFORM = "uniform"
    NORMAL = "normal"
    EXPONENTIAL = "exponential"
    PARETO = "pareto"


class Fragments(enum.StrEnum):
    """What becomes of the fragments of IP datagrams."""

    PASS = "pass"  # noqa: S105 - what happens to a fragment
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """Delay that differs from packet to packet, on top of the constant one.

    `ms` is the width of a uniform jitter from 0 up, the standard deviation of a normal one around 0, the
    mean of an exponential or Pareto (Lomax, shape 3) one from 0 up. With a time constant, jitter a time t
    apart correlates as exp(-t / constant) before it is shaped, at an unchanged distribution. Where it is
    ordered a packet never overtakes one of its own flow.
    """

    distribution: Distribution
    ms: float
    time_constant_ms: float = 0.0
    ordered: bool = True

    def __post_init__(self) -> None:
        _demand(f"{self.distribution}_ms", self.ms, _above_zero, "a number of ms above 0")
        _demand("time_constant_ms", self.time_constant_ms, _not_below_zero, "0 or more ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Packets lost at a rate, in bursts of a mean length within each flow (Gilbert), or alone (Bernoulli)."""

    rate: float
    mean_burst: float | None = None

    def __post_init__(self) -> None:
        _demand("rate", self.rate, _is_share, "a share from 0 to 1, so 0.05 is 5 %")
        if self.mean_burst is not None:
            least = 1.0 if self.rate == 1 else max(1.0, self.rate / (1 - self.rate))
            _demand(
                "mean_burst",
                self.mean_burst,
                lambda value: least <= value < math.inf,
                f"at a rate of {self.rate:g} bursts have {least:g} packets or more on average",
            )

    @property
    def burst(self) -> float:
        """Mean length of a burst in packets; infinite where everything is lost."""
        if self.rate == 1:
            return math.inf
        return self.mean_burst if self.mean_burst is not None else 1 / (1 - self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outages:
    """Holes in the link: so many a second by a Poisson process, of lengths spread evenly between two."""

    per_s: float
    from_ms: float
    to_ms: float

    def __post_init__(self) -> None:
        _demand("per_s", self.per_s, _above_zero, "a number of outages a second above 0")
        _demand("from_ms", self.from_ms, _above_zero, "a number of ms above 0")
        _demand(
            "to_ms",
            self.to_ms,
            lambda value: self.from_ms <= value < math.inf,
            f"from_ms, which is {self.from_ms:g}, or longer",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A share of packets that comes so much later than it would have."""

    rate: float
    by_ms: float

    def __post_init__(self) -> None:
        _demand("rate", self.rate, _is_share, "a share from 0 to 1, so 0.1 is 10 %")
        _demand("by_ms", self.by_ms, _above_zero, "a number of ms above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """One direction of a link, rates at the IP layer; the defaults are a perfect link.

    A packet meets, in this order: outage, MTU and fragments, the queue before the rate, loss, delay, the
    wait for a slot, jitter, retransmission on the radio, its place among its flow, reordering, duplication.

    Raises:
        ImpossibleError: A number contradicts itself or another.
    """

    delay_ms: float = 0.0
    jitter: Jitter | None = None
    loss: Loss | None = None
    outages: Outages | None = None
    rate_kbps: float | None = None
    queue_ms: float | None = None
    queue_bytes: float | None = None
    slot_ms: float | None = None
    retransmission: Late | None = None
    reorder: Late | None = None
    duplicate: float = 0.0
    mtu_bytes: float | None = None
    fragments: Fragments = Fragments.PASS

    def __post_init__(self) -> None:
        _demand("delay_ms", self.delay_ms, _not_below_zero, "0 or more ms")
        _demand("duplicate", self.duplicate, _is_share, "a share from 0 to 1, so 0.01 is 1 %")
        _demand_unless_none("rate_kbps", self.rate_kbps, _above_zero, "a number of kbit/s above 0")
        _demand_unless_none("queue_ms", self.queue_ms, _above_zero, "a number of ms above 0")
        _demand_unless_none("queue_bytes", self.queue_bytes, _above_zero, "a number of bytes above 0")
        _demand_unless_none("slot_ms", self.slot_ms, _above_zero, "a number of ms above 0")
        _demand_unless_none(
            "mtu_bytes",
            self.mtu_bytes,
            lambda value: SMALLEST_MTU_BYTES <= value <= 65535,
            f"from {SMALLEST_MTU_BYTES} to 65535 bytes",
        )
        if self.queue_ms is not None and self.queue_bytes is not None:
            raise ImpossibleError("queue_bytes", self.queue_bytes, "queue_ms bounds the same queue, keep one")
        if self.rate_kbps is None and (bound := self.queue_ms or self.queue_bytes) is not None:
            key = "queue_ms" if self.queue_ms is not None else "queue_bytes"
            raise ImpossibleError(key, bound, "a queue forms before a rate, so give rate_kbps too")
        if self.jitter is not None and self.jitter.distribution is Distribution.NORMAL:
            least = _NORMAL_REACH * self.jitter.ms
            remedy = f"a normal jitter of {self.jitter.ms:g} ms needs a delay_ms of {least:g} or more"
            _demand("delay_ms", self.delay_ms, lambda value: value >= least, remedy)


def _not_below_zero(value: float) -> bool:
    return 0 <= value < math.inf


def _above_zero(value: float) -> bool:
    return 0 < value < math.inf


def _is_share(value: float) -> bool:
    return 0 <= value <= 1


def _demand_unless_none(
    key: str, value: float | None, is_possible: Callable[[float], bool], remedy: str
) -> None:
    if value is not None:
        _demand(key, value, is_possible, remedy)


def _demand(key: str, value: float, is_possible: Callable[[float], bool], remedy: str) -> None:
    if not is_possible(value):
        raise ImpossibleError(key, value, remedy)
