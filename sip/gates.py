"""The limits of a run's gates as they are given: in one line, or in a TOML file."""

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from sip.errors import UsageError

_GATE = re.compile(r"\s*(?P<name>[A-Za-z][A-Za-z0-9_ -]*?)\s*(<=|>=)\s*(?P<limit>[^<>=]+?)\s*")


def read(spec: str) -> dict[str, float]:
    """Read `name<=value,…` or a TOML file of `name = value`; the analysis says which names exist."""
    if not re.search(r"[<>]=", spec):
        try:
            found = tomllib.loads(Path(spec).read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(
                "--gates", spec, f'write "name<=value,…" or name a TOML file ({error})'
            ) from error
        limits: Mapping[str, object] = found.get("gates", found)
    else:
        parts = [(_GATE.fullmatch(part), part) for part in spec.split(",")]
        limits = {
            match["name"] if match else part: match["limit"] if match else None for match, part in parts
        }
    return {name: _limit(spec, name, limit) for name, limit in limits.items()}


def _limit(spec: str, name: str, limit: object) -> float:
    try:
        value = float(str(limit))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(
            "--gates", spec, f'the limit of {name!r} must be a number, as in "not_answered<=0.02"'
        )
    return value
