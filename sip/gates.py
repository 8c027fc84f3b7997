"""What a run's gates are given as: limits in one line or a TOML file, and runs to be held against."""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sip.errors import UsageError

PROJECT = Path("pyproject.toml")
_TABLE = "[tool.ringtime.gates]"
_GATE = re.compile(r"\s*(?P<name>[^<>]*?[^<>\s])\s*(?P<side><=|>=)\s*(?P<limit>[^<>=]+?)\s*")
_LIMIT = re.compile(r"\s*(?P<side><=|>=)?\s*(?P<limit>\S+)\s*")


@dataclass(frozen=True, slots=True)
class Limit:
    """What a gate allows; `side` is `<=`, `>=`, or `=` where it was left to what the gate is on.

    What a name means, and whether the side is its own, the analysis says (`reports.preview`).
    """

    name: str
    side: str
    limit: float

    def __str__(self) -> str:
        """As it may be given."""
        return f"{self.name}{self.side}{self.limit!r}"


def read(spec: str | None) -> tuple[Limit, ...]:
    """The gates of `name<=value,…` or of a TOML file; without either those of ./pyproject.toml, if any.

    A file holds `name = value` under `[tool.ringtime.gates]`, under `[gates]` or at its top; a value is a
    number or, to say the side, a text such as `"<= 0.02"`.

    Raises:
        UsageError: it cannot be read, a limit is no number, or a gate has two.
    """
    if spec and re.search(r"[<>]", spec):
        return _once("--gates", spec, _of_line(spec))
    if spec:
        return _once("--gates", spec, _of_table("--gates", spec, _opened("--gates", spec)))
    if not PROJECT.is_file():
        return ()
    settings = _opened(_TABLE, str(PROJECT)).get("tool", {}).get("ringtime", {}).get("gates", {})
    return _once(_TABLE, str(PROJECT), _of_table(_TABLE, str(PROJECT), settings))


def baselines(given: str | None) -> tuple[str, ...]:
    """The runs of `RUN,…` that gates on what changed hold this one against, wherever it will be read.

    Raises:
        UsageError: one is not there.
    """
    places = [Path(name.strip()) for name in (given or "").split(",") if name.strip()]
    missing = next((place for place in places if not place.exists()), None)
    if missing is not None:
        raise UsageError("--baseline", str(missing), "name the folder of a run, or the summary.json of one")
    return tuple(str(place.resolve()) for place in places)


def _of_line(spec: str) -> Iterator[Limit]:
    for part in spec.split(","):
        found = _GATE.fullmatch(part)
        if found is None:
            raise UsageError("--gates", spec, f"{part.strip()!r} is no gate; write one as not_answered<=0.02")
        yield Limit(found["name"], found["side"], _number("--gates", spec, found["name"], found["limit"]))


def _opened(option: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(option, path, f'write "name<=value,…" or name a TOML file ({error})') from error


def _of_table(option: str, path: str, settings: Mapping[str, Any]) -> Iterator[Limit]:
    """What the table of gates in a file holds, wherever it stands."""
    ours = settings.get("tool", {}).get("ringtime", {}).get("gates") or settings.get("gates") or settings
    for name, value in ours.items():
        if isinstance(value, Mapping):
            remedy = f"the name {name!r} goes on after a dot: put all of it in quotes"
            raise UsageError(option, path, remedy)
        found = _LIMIT.fullmatch(str(value))
        yield Limit(
            name.strip(),
            (found and found["side"]) or "=",
            _number(option, path, name, found["limit"] if found else str(value)),
        )


def _once(option: str, spec: str, limits: Iterator[Limit]) -> tuple[Limit, ...]:
    found: dict[tuple[str, str], Limit] = {}  # of two sides the analysis says which one is wrong
    for each in limits:
        if (first := found.setdefault((each.name, each.side), each)) != each:
            remedy = f"{first} and {each} are two limits of one gate: keep one of them"
            raise UsageError(option, spec, remedy)
    if not found and option == "--gates":
        raise UsageError(option, spec, "it holds no gate; write one as not_answered = 0.02")
    return tuple(found.values())


def _number(option: str, spec: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        remedy = f'the limit of {name!r} must be a number, as in "not_answered<=0.02"'
        raise UsageError(option, spec, remedy)
    return value
