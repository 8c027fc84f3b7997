"""Which set-up requests are mistreated, and how: exact shares of them, in an order drawn from a seed."""

import enum
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lab.errors import LabError

_LARGEST_BLOCK = 1000  # of set-ups, within which every share is exact
_LARGEST_VALUE_S = 3600.0
NO_FAULT = "none"


class FaultKind(enum.StrEnum):
    """What happens to a mistreated set-up request."""

    SILENT = "silent"  # accepted and never answered
    LATENCY = "latency"  # answered by the server after so many seconds
    RESET = "reset"  # the connection is reset when the request has come
    TRUNCATED = "truncated"  # 200, and the connection is closed in the middle of the body
    DRIP = "drip"  # 200, and a body that comes a byte a second and does not end
    SLOW_HEADERS = "slow-headers"  # 200, and headers that come a byte a second and do not end
    HTTP_404 = "http-404"
    HTTP_429 = "http-429"
    HTTP_503 = "http-503"
    HEAL = "heal"  # silent until so many seconds after the fault took effect; what is held then is let go
    BLACKHOLE = "blackhole"  # SYN unanswered
    REFUSED = "refused"  # SYN answered by RST
    TLS_ALERT = "tls-alert"  # ClientHello answered by the alert handshake_failure
    TLS_SLOW = "tls-slow"  # a ServerHello that comes a byte a second and does not end
    DNS_SILENT = "dns-silent"  # the name server gives no answer

    @property
    def takes_value(self) -> bool:
        """Whether a number of seconds belongs to it."""
        return self in (FaultKind.LATENCY, FaultKind.HEAL)

    @property
    def below_http(self) -> bool:
        """Whether it strikes before a request is sent, so that the filter needs an endpoint of its own."""
        return self in _BELOW_HTTP


_BELOW_HTTP = (
    FaultKind.BLACKHOLE,
    FaultKind.REFUSED,
    FaultKind.TLS_ALERT,
    FaultKind.TLS_SLOW,
    FaultKind.DNS_SILENT,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of mistreatment, with its seconds where it has any."""

    kind: FaultKind
    value_s: float = 0.0

    def __str__(self) -> str:
        """The token that asks for it: `silent`, `latency=2`."""
        return f"{self.kind}={self.value_s:g}" if self.kind.takes_value else str(self.kind)


@dataclass(frozen=True, slots=True)
class Portion:
    """A fault and the share (0-1) of set-ups that meet it."""

    fault: Fault
    share: Fraction


USAGE = ", ".join(f"{kind}=S" if kind.takes_value else str(kind) for kind in FaultKind)


def parse(spec: str) -> tuple[Portion, ...]:
    """Read `KIND[=S][:SHARE]`, several joined by `+`, as in `silent:0.2+latency=2:0.3`; `none` is nothing.

    A fault that stands alone may leave out its share: it strikes every set-up.

    Raises:
        LabError: A kind is unknown, a value or share is missing or cannot be, or shares exceed 1 together.
    """
    if spec == NO_FAULT:
        return ()
    tokens = spec.split("+")
    portions = tuple(_portion(spec, token, alone=len(tokens) == 1) for token in tokens)
    total = sum(portion.share for portion in portions)
    if total > 1:
        raise _refused(spec, f"its shares are {float(total):g} together; up to 1 would do")
    if _block(portions) > _LARGEST_BLOCK:
        raise _refused(
            spec, f"its shares come out even only every {_block(portions)} set-ups; whole hundredths would do"
        )
    return portions


def require_http(spec: str, portions: Sequence[Portion], arm: str) -> None:
    """See that none of these strikes below HTTP, where this arm's filter asks the address of its server.

    Raises:
        LabError: One does.
    """
    for portion in portions:
        if portion.fault.kind.below_http:
            raise _refused(
                spec,
                f"{portion.fault.kind} needs an endpoint of the filter's own, and the vendor's in {arm!r} "
                f"asks the address of its server; {FaultKind.SILENT} would do",
            )


def choices(portions: Sequence[Portion], draw: random.Random) -> Iterator[Fault | None]:
    """What befalls each set-up in turn, without end: exactly the shares in every block of set-ups."""
    block = _block(portions)
    fates: list[Fault | None] = []
    for portion in portions:
        fates += [portion.fault] * int(portion.share * block)
    fates += [None] * (block - len(fates))
    while True:
        yield from draw.sample(fates, block)


def _block(portions: Sequence[Portion]) -> int:
    """The smallest number of set-ups of which every share is a whole number."""
    return math.lcm(*(portion.share.denominator for portion in portions))


def _portion(spec: str, token: str, *, alone: bool) -> Portion:
    name, colon, share = token.partition(":")
    if not colon and not alone:
        raise _refused(spec, f"{token!r} has no share; with several each needs one, as in {token}:0.2")
    kind, equals, value = name.partition("=")
    if kind not in list(FaultKind):
        raise _refused(spec, f"no fault is named {kind!r}; {USAGE} or {NO_FAULT} would do")
    fault = Fault(FaultKind(kind), _seconds(spec, FaultKind(kind), value if equals else None))
    try:
        exact = Fraction(share if colon else 1)
    except (ValueError, ZeroDivisionError):
        exact = Fraction(-1)
    if not 0 <= exact <= 1:
        raise _refused(spec, f"the share in {token!r} must be a number from 0 to 1")
    return Portion(fault, exact)


def _seconds(spec: str, kind: FaultKind, value: str | None) -> float:
    if not kind.takes_value:
        if value is not None:
            raise _refused(spec, f"{kind} takes no value; {kind} or {kind}:0.3 would do")
        return 0.0
    try:
        seconds = float(value or "nan")
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LARGEST_VALUE_S:  # false for NaN too
        raise _refused(
            spec,
            f"{kind} takes a number of seconds above 0 and up to {_LARGEST_VALUE_S:g}; {kind}=2 would do",
        )
    return seconds


def _refused(spec: str, reason: str) -> LabError:
    return LabError(f"--filter-fault cannot be {spec!r}: {reason}")
