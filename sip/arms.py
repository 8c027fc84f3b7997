"""Which builds are called: names, kinds and numbers from `--arms` and `--numbers`."""

import re
from dataclasses import dataclass

from sip.errors import UsageError
from sip.trunk import Trunk

_NAME = re.compile(r"[a-z0-9-]+")
_REMOTE = "remote"  # the kind of an arm that somebody else runs


@dataclass(frozen=True, slots=True)
class ArmChoice:
    """An arm as it was asked for; `number` is None where the lab hands one out."""

    name: str
    kind: str
    number: str | None


def of_lab(arms: str | None, numbers: str | None) -> tuple[ArmChoice, ...]:
    """Arms of the lab, `NAME[=KIND],…`, a kind being the name by default; raises UsageError."""
    if numbers:
        raise UsageError("--numbers", numbers, "the lab hands out its own; it goes with --trunk")
    pairs = _pairs("--arms", arms or "unbounded,bounded")
    return tuple(ArmChoice(name, kind or name, None) for name, kind in pairs)


def of_trunk(trunk: Trunk, arms: str | None, numbers: str | None) -> tuple[ArmChoice, ...]:
    """Arms behind a trunk, `NAME=NUMBER,…`; one bare number is the arm `default`; raises UsageError."""
    if not numbers:
        raise UsageError("--numbers", None, "say which number reaches which arm: old=+15550100001,…")
    bare = "," not in numbers and "=" not in numbers
    pairs = _pairs("--numbers", f"default={numbers}" if bare else numbers)
    if arms and [name for name, _ in _pairs("--arms", arms)] != [name for name, _ in pairs]:
        raise UsageError("--arms", arms, "with --trunk the arms are those of --numbers: leave it out")
    for name, number in pairs:
        if not number:
            raise UsageError("--numbers", numbers, f"give {name!r} its number: {name}=+15550100001")
        trunk.target(number)
    return tuple(ArmChoice(name, _REMOTE, number) for name, number in pairs)


def _pairs(option: str, spec: str) -> list[tuple[str, str]]:
    """`NAME[=VALUE],…` with each name once; an empty value where there is none."""
    pairs = []
    for part in spec.split(","):
        name, equals, value = part.strip().partition("=")
        if not _NAME.fullmatch(name) or (equals and not value):
            raise UsageError(
                option, spec, f"{part!r} wants a name of small letters, digits and dashes, and a value"
            )
        pairs.append((name, value))
    if len({name for name, _ in pairs}) < len(pairs):
        raise UsageError(option, spec, "give each arm a name of its own: an A/A run is a=bounded,b=bounded")
    return pairs
