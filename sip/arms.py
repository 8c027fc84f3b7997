"""Which builds are called: names, kinds, numbers and agents from `--arms`, `--numbers` and `--agents`."""

import random
import re
from dataclasses import dataclass

from sip.errors import UsageError
from sip.trunk import Trunk

_NAME = re.compile(r"[a-z0-9-]+")
_REMOTE = "remote"  # the kind of an arm that somebody else runs


@dataclass(frozen=True, slots=True)
class ArmChoice:
    """An arm as it was asked for; `number` is None where the lab hands one out.

    `agent` is the name that its agent registers under, None where that is not known.
    """

    name: str
    kind: str
    number: str | None
    agent: str | None = None


def of_lab(arms: str | None, numbers: str | None) -> tuple[ArmChoice, ...]:
    """Arms of the lab, `NAME[=KIND],…`, a kind being the name by default; raises UsageError."""
    if numbers:
        raise UsageError("--numbers", numbers, "the lab hands out its own; it goes with --trunk")
    spec = arms or "unbounded,bounded"
    # A name holds no dots: vendor-0.2.6 for short is vendor-0-2-6=vendor-0.2.6.
    spec = re.sub(r"(?<![^,])vendor-[^,=]+", lambda kind: f"{kind[0].replace('.', '-')}={kind[0]}", spec)
    pairs = _pairs("--arms", spec)
    return tuple(ArmChoice(name, kind or name, None) for name, kind in pairs)


def of_trunk(trunk: Trunk, arms: str | None, numbers: str | None) -> tuple[ArmChoice, ...]:
    """Arms behind a trunk, `NAME=NUMBER,…`; one bare number is the arm `default`; raises UsageError."""
    if not numbers:
        raise UsageError("--numbers", None, "say which number reaches which arm: old=+15550100001,…")
    found = _numbers(trunk, numbers)
    _check_arms(arms, "--numbers", list(found))
    return tuple(ArmChoice(name, _REMOTE, number) for name, number in found.items())


def of_agents(
    trunk: Trunk, arms: str | None, numbers: str | None, agents: str, *, seed: int
) -> tuple[ArmChoice, ...]:
    """Arms that are agents of a deployment, `NAME=AGENT,…`; one bare agent is the arm `default`.

    Without `numbers` each gets one of those that are set aside for fiction, drawn by `seed` so that runs
    beside each other are unlikely to want the same. Raises UsageError.
    """
    pairs = _named("--agents", agents)
    names = [name for name, _ in pairs]
    _check_arms(arms, "--agents", names)
    for name, agent in pairs:
        if not agent:
            raise UsageError("--agents", agents, f"give {name!r} its agent: {name}=my-agent")
    if numbers:
        found = _numbers(trunk, numbers)
        if list(found) != names:
            remedy = "give each arm of --agents its number, in the same order, or leave it out"
            raise UsageError("--numbers", numbers, remedy)
    else:
        first = random.Random(seed).randrange(10_000 - len(names))
        found = {name: f"+1555010{number:04d}" for number, name in enumerate(names, start=first)}
    return tuple(ArmChoice(name, _REMOTE, found[name], agent) for name, agent in pairs)


def _numbers(trunk: Trunk, spec: str) -> dict[str, str]:
    pairs = _named("--numbers", spec)
    for name, number in pairs:
        if not number:
            raise UsageError("--numbers", spec, f"give {name!r} its number: {name}=+15550100001")
        trunk.target(number)
    return dict(pairs)


def _named(option: str, spec: str) -> list[tuple[str, str]]:
    bare = "," not in spec and "=" not in spec
    return [("default", spec.strip())] if bare else _pairs(option, spec)


def _check_arms(arms: str | None, option: str, names: list[str]) -> None:
    if arms and [name for name, _ in _pairs("--arms", arms)] != names:
        raise UsageError("--arms", arms, f"with --trunk the arms are those of {option}: leave it out")


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
