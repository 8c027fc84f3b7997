"""Numbers as people read them."""

import math
from collections.abc import Sequence

from analysis.intervals import Estimate

NOTHING = "–"  # noqa: RUF001  a dash where a table has no number


def number(value: float | None) -> str:
    """Three significant digits, no exponent, no trailing zeros."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "∞"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 4)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")  # noqa: RUF001  a minus sign, as wide as a plus


def percent(value: float | None) -> str:
    """A share of 0-1 in per cent."""
    return NOTHING if value is None else f"{number(100 * value)} %"


def quantity(value: float | None, unit: str) -> str:
    """A number with its unit; `share` is shown in per cent."""
    if unit == "share":
        return percent(value)
    return number(value) if unit == "MOS" else f"{number(value)} {unit}"


def estimate(value: Estimate) -> str:
    """The number itself: "> x" beyond what was seen, a dash where there is nothing."""
    if value.censored:
        return f"> {number(value.low)}" if value.low is not None else "never"
    return number(value.value)


def interval(value: Estimate | None, *, scale: float = 1.0, least: float = 0.0) -> str:
    """The interval of an estimate: "a to b", "≥ a" where the sample cannot bound it from above.

    Where it cannot bound it from below the interval begins at the `least` that there can be.
    """
    if value is None or value.value is None:
        return ""
    low = None if value.low is None else value.low * scale
    if value.high is None:
        return "" if low is None else f"≥ {number(low)}"
    return f"{number(least if low is None else low)} to {number(value.high * scale)}"


def p_value(p: float | None) -> str:
    """A p value, never as zero."""
    if p is None:
        return "no p"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def count(n: int, noun: str) -> str:
    """A number of things: "1 call", "2 calls"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def loaded(load: float, unit: str) -> str:
    """A load with its unit: "1 call/s", "0.84 calls/s"."""
    return f"{number(load)} {unit.replace('calls', 'call', 1) if load == 1 else unit}"


def listed(items: Sequence[str]) -> str:
    """Things in a row: "a", "a and b", "a, b and c"."""
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last
