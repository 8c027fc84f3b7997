"""A gate's name taken apart: `[ARM:]METRIC[_pNN][_UNIT][@PROFILE]`, and what it says in words."""

import re
from dataclasses import dataclass
from functools import cache

import pandas as pd

from analysis.errors import UnknownGateError
from analysis.intervals import percentile_calls_needed, share_calls_needed
from analysis.metric import METRICS, Bounds, Kind, Metric

_NAME = re.compile(r"(?:(?P<arm>[^:@]+):)?(?P<metric>[^:@]+)(?:@(?P<profile>.+))?")
_METRIC = re.compile(r"(?P<name>[a-z_]+?)(?:_p(?P<percent>\d+(?:\.\d+)?))?(?:_(?P<unit>s|ms))?")


@dataclass(frozen=True, slots=True)
class GateName:
    """What a gate is on; without an arm it is the candidate, without a profile all its calls."""

    metric: Metric
    percent: float | None = None
    arm: str | None = None
    profile: str | None = None

    def __str__(self) -> str:
        """The one way of writing it."""
        arm = "" if self.arm is None else f"{self.arm}:"
        percent = "" if self.percent is None else f"_p{self.percent:g}"
        profile = "" if self.profile is None else f"@{self.profile}"
        return f"{arm}{self.metric.name}{percent}{self.metric.suffix}{profile}"

    @property
    def label(self) -> str:
        """The same in words, but for the arm."""
        percent = "" if self.percent is None else f" p{self.percent:g}"
        profile = "" if self.profile is None else f" under {self.profile}"
        return f"{self.metric.label}{percent}{profile}"

    @property
    def unit(self) -> str:
        """Of its limit and its figure."""
        return self.metric.unit

    @property
    def at_least(self) -> bool:
        """Whether it is kept from above."""
        return self.metric.at_least

    @property
    def sign(self) -> str:
        """How its limit is to be read."""
        return "≥" if self.at_least else "≤"

    def measure(self, calls: pd.DataFrame, tau_s: float) -> Bounds | None:
        """Its figure among the counted calls of one arm; None where nothing was measured."""
        if self.profile is not None:
            calls = calls[calls["profile"] == self.profile]
        if self.metric.measure is None:
            return None
        return self.metric.measure(calls, (self.percent or 0.0) / 100, tau_s)

    def calls_needed(self, limit: float, tau_s: float) -> int | None:
        """The fewest calls that can keep it, all of them clean; None where that cannot be said."""
        match self.metric.kind:
            case Kind.SHARE:
                return share_calls_needed(limit) if 0 < limit < 1 else None
            case Kind.MEAN:
                return share_calls_needed(limit / tau_s) if 0 < limit < tau_s else None
            case Kind.PERCENTILE:
                q = (self.percent or 0.0) / 100
                return percentile_calls_needed(1 - q if self.at_least else q)
            case _:
                return None


@cache
def read(name: str) -> GateName:
    """Take a name apart; spaces and hyphens in the metric's stand for underscores.

    Raises:
        UnknownGateError: there is no such metric, or it is written in a way that it cannot be.
    """
    parts = _NAME.fullmatch(name.strip())
    words = parts and re.sub(r"[ -]", "_", parts["metric"].strip().lower())
    found = words and _METRIC.fullmatch(words)
    metric = METRICS.get(found["name"]) if found else None
    if not parts or not found or metric is None:
        raise UnknownGateError(
            f"There is no gate named {name!r}; there are {', '.join(forms())}, "
            "each as ARM:… for an arm and …@PROFILE for a network alone."
        )
    percent = None if found["percent"] is None else float(found["percent"])
    if metric.kind is Kind.PERCENTILE and percent is None:
        raise UnknownGateError(
            f"The gate {name!r} names no percentile: write it as in {_form(metric, '95')}."
        )
    if metric.kind is not Kind.PERCENTILE and percent is not None:
        raise UnknownGateError(
            f"The gate {name!r} names a percentile of what is a {metric.kind}: write {_form(metric)}."
        )
    if percent is not None and not 0 < percent < 100:
        raise UnknownGateError(f"The gate {name!r} names no percentile: one lies between p0 and p100.")
    if found["unit"] is not None and f"_{found['unit']}" != metric.suffix:
        unit = "has no unit" if not metric.suffix else f"is in {metric.unit}"
        form = _form(metric, None if percent is None else f"{percent:g}")
        raise UnknownGateError(f"The gate {name!r} {unit}: write {form}.")
    return GateName(metric, percent, parts["arm"] and parts["arm"].strip(), parts["profile"])


def forms() -> list[str]:
    """How the names of all metrics are written, NN for a percentile."""
    return [_form(metric, "NN") for metric in METRICS.values()]


def _form(metric: Metric, percent: str | None = None) -> str:
    marked = f"_p{percent}" if metric.kind is Kind.PERCENTILE and percent else ""
    return f"{metric.name}{marked}{metric.suffix}"
