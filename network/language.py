"""Profiles as TOML: what may be written, what it means, and what is said when it cannot be."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from network.errors import ProfileError
from network.impairment import ABSENT, Distribution, Impairment, ImpossibleError, Jitter
from network.profile import Direction, Profile, Window

CATALOGUE = Path(__file__).with_name("catalogue")
_SUFFIX = ".toml"
_BOTH = "both"
_WINDOW = "window"
_IN_WORDS = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}
_Item = TypeVar("_Item")
_Keys = Mapping[str, Any]
_Tables = Mapping[str, _Keys]


def names() -> tuple[str, ...]:
    """The names of the catalogue's profiles, in alphabetical order."""
    return tuple(sorted(path.stem for path in CATALOGUE.glob(f"*{_SUFFIX}")))


def load(name: str) -> Profile:
    """The profile of that name in the catalogue, or of one's own: a path that ends in .toml.

    Raises:
        ProfileError: There is none, or it says something impossible.
    """
    path = Path(name) if name.endswith(_SUFFIX) else CATALOGUE / f"{name}{_SUFFIX}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = ", ".join(names())
        raise ProfileError(
            f"there is no network profile {name!r}: take one of {known}, or the path of a {_SUFFIX} file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"the network profile {name!r} cannot be read: {error}") from None
    return parse(text, name=path.stem, origin=str(path.resolve()) if name.endswith(_SUFFIX) else name)


def parse(text: str, *, name: str, origin: str) -> Profile:
    """A profile from its TOML text; `origin` is what errors call it.

    Raises:
        ProfileError: The text is no TOML, has an unknown key, or a value that cannot be.
    """
    try:
        return _profile(tomllib.loads(text), name, origin)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"the network profile {origin!r} is no TOML: {error}") from None
    except ImpossibleError as error:
        raise ProfileError(f"in the network profile {origin!r} {error}") from None


def _profile(written: dict[str, Any], name: str, origin: str) -> Profile:
    base = _tables(written)
    windows = written.pop(_WINDOW, [])
    if not isinstance(windows, list):
        raise ImpossibleError(_WINDOW, windows, "write each window as [[window]]")
    made = tuple(_window(each, base, f"{_WINDOW} {n}") for n, each in enumerate(windows, start=1))
    also = (_BOTH, *Direction, _WINDOW)
    return _record(Profile, written, also=also, name=name, origin=origin, windows=made, **_directions(base))


def _window(written: Any, base: _Tables, where: str) -> Window:
    keys = dict(_table(where, written))
    over = _tables(keys)
    if not over:
        raise ImpossibleError(where, written, "it changes nothing, give it both, up or down")
    for table, impairment in over.items():
        if "outages" in impairment:
            remedy = "a window is an outage itself with loss = { rate = 1 }"
            raise ImpossibleError(f"{where}.{table}.outages", impairment["outages"], remedy)
    try:
        return _record(Window, keys, also=(_BOTH, *Direction), **_directions(base, over))
    except ImpossibleError as error:
        raise error.under(where) from None


def _tables(written: dict[str, Any]) -> _Tables:
    """The tables of the directions, taken out of what is written."""
    return {key: _table(key, written.pop(key)) for key in (_BOTH, *Direction) if key in written}


def _directions(base: _Tables, over: _Tables | None = None) -> dict[str, Impairment]:
    """What is written for both directions, then for the one, then what a window says of them."""
    found = {}
    for direction in Direction:
        keys: dict[str, Any] = {}
        source: dict[str, str] = {}
        for tables in (base, over or {}):
            for table in (_BOTH, direction):
                keys |= tables.get(table, {})
                source |= dict.fromkeys(tables.get(table, {}), table)
        try:
            found[str(direction)] = _record(Impairment, keys)
        except ImpossibleError as error:
            raise error.under(source.get(error.key.partition(".")[0], direction)) from None
    return found


def _record(kind: type[_Item], written: _Keys, *, also: Iterable[str] = (), **made: Any) -> _Item:
    """A dataclass from the keys of a table and parts made already, which `also` says how to write."""
    hints = get_type_hints(kind)
    known = {each.name: each for each in fields(kind) if each.name not in made}  # type: ignore[arg-type]
    for key, value in written.items():
        if key not in known:
            would_do = ", ".join((*known, *also))
            raise ImpossibleError(key, value, f"there is no such key, known are {would_do}")
    for key, each in known.items():
        if key not in written and each.default is MISSING and each.default_factory is MISSING:
            raise ImpossibleError(key, ABSENT, f"it is {_IN_WORDS.get(hints[key], 'a table of keys')}")
    return kind(**made, **{key: _value(hints[key], key, value) for key, value in written.items()})


def _jitter(written: _Keys) -> Jitter:
    spreads = {f"{each}_ms": each for each in Distribution}
    others = {key: value for key, value in written.items() if key not in spreads}
    given = [key for key in spreads if key in written]
    if len(given) != 1:
        raise ImpossibleError("spread", given or ABSENT, f"give one of {', '.join(spreads)}")
    spread_ms = _value(float, given[0], written[given[0]])
    return _record(Jitter, others, also=spreads, distribution=spreads[given[0]], ms=spread_ms)


def _value(hint: Any, key: str, value: Any) -> Any:
    """A value of the type that its key has."""
    (kind,) = (each for each in (get_args(hint) or (hint,)) if each is not NoneType)
    if is_dataclass(kind) and isinstance(kind, type):
        table = _table(key, value)
        try:
            return _jitter(table) if kind is Jitter else _record(kind, table)
        except ImpossibleError as error:
            raise error.under(key) from None
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ImpossibleError(key, value, f"it is one of {', '.join(kind)}")
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ImpossibleError(key, value, f"it is {_IN_WORDS[kind]}")
    return value


def _table(key: str, value: Any) -> _Keys:
    if not isinstance(value, dict):
        raise ImpossibleError(key, value, "it is a table of keys")
    return value
