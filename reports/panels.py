"""Tables and lists of a report as HTML, each from a macro of one of the templates."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis import wording
from analysis.arms import OUTCOMES
from analysis.causes import Cause
from analysis.compare import Effect
from analysis.exhibit import Exhibit
from analysis.hearing import Missing
from analysis.intervals import Estimate
from analysis.knee import named
from analysis.verdict import comparison_sentence

HERE = Path(__file__).parent
TEMPLATES = ("panels.html.j2", "capacity.html.j2", "regression.html.j2")


@dataclass(frozen=True, slots=True)
class Panel:
    """A piece of a page."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True, slots=True)
class Sequel:
    """Several exhibits, one below the other."""

    exhibits: tuple[Exhibit, ...]

    def _repr_html_(self) -> str:
        return "\n".join(exhibit.html() for exhibit in self.exhibits)


def panel(name: str, **context: object) -> Panel:
    """The panel of that name, filled in."""
    macro = next(getattr(module, name) for module in _macros() if hasattr(module, name))
    return Panel(str(macro(**context)))


@cache
def _macros() -> tuple[object, ...]:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": wording.number,
        "percent": wording.percent,
        "estimate": wording.estimate,
        "interval": wording.interval,
        "scaled": _scaled,
        "p_value": wording.p_value,
        "effect": _effect,
        "effect_interval": _effect_interval,
        "quantity": wording.quantity,
        "utc": _utc,
        "count": wording.count,
        "loaded": wording.loaded,
        "listed": lambda items: wording.listed(items) if items else wording.NOTHING,
        "criterion": named,
        "anchor": lambda word: "term-" + "".join(letter if letter.isalnum() else "-" for letter in word),
        "words": lambda text: str(text).replace("_", " "),
    }
    environment.globals |= {
        "comparison_sentence": comparison_sentence,
        "causes_of": lambda summary: _seen(Cause, (arm.causes for arm in summary.arms.values())),
        "missing_of": lambda heard: _seen(Missing, (each.missing for each in heard.values())),
        "outcomes_of": lambda summary: _seen(OUTCOMES, (arm.outcomes for arm in summary.arms.values())),
    }
    return tuple(environment.get_template(name).module for name in TEMPLATES)


def _seen(order: Iterable[str], counts: Iterable[Mapping[str, int]]) -> list[str]:
    """The names that occur anywhere, in the given order."""
    present = {name for count in counts for name in count}
    return [str(name) for name in order if name in present]


def _scaled(value: Estimate, scale: float) -> Estimate:
    """The number itself in other units; its interval has a scale of its own."""
    return value if value.value is None else replace(value, value=value.value * scale)


def _effect(effect: Effect, scale: float = 1.0) -> str:
    if effect.value is None:
        return wording.NOTHING
    return f"{'+' if effect.value > 0 else ''}{wording.number(effect.value * scale)}"


def _effect_interval(effect: Effect, scale: float = 1.0) -> str:
    if effect.low is None or effect.high is None:
        return ""
    return f"{wording.number(effect.low * scale)} to {wording.number(effect.high * scale)}"


def _utc(unix: float | None) -> str:
    if unix is None:
        return "not written"
    return dt.datetime.fromtimestamp(unix, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
