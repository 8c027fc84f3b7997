"""Gates as they are asked for, before the first call: what none of them can be is refused with the reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.errors import ImpossibleGateError
from analysis.gate_name import GateName, read
from analysis.metric import Kind
from analysis.wording import listed

_SPEC = re.compile(r"(?P<name>.+?)(?P<side><=|>=|=)(?P<limit>[^<>=]+)")
_SIDES = {False: "<=", True: ">="}


@dataclass(frozen=True, slots=True)
class Asked:
    """One gate: `side` is `<=`, `>=`, or `=` where it was left open."""

    name: GateName
    side: str
    limit: float

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.name}{self.side}{self.limit:g}"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a run will have that gates may name."""

    candidate: str
    arms: tuple[str, ...]
    profiles: tuple[str, ...]
    is_search: bool
    has_baseline: bool


def asked(spec: str) -> Asked:
    """Read `name<=limit`.

    Raises:
        UnknownGateError: there is no gate of that name.
        ImpossibleGateError: it has no limit.
    """
    parts = _SPEC.fullmatch(spec.strip())
    if parts is None:
        raise ImpossibleGateError(f"The gate {spec!r} has no limit: write one as not_answered<=0.02.")
    try:
        limit = float(parts["limit"])
    except ValueError as error:
        raise ImpossibleGateError(
            f"The limit of the gate {spec!r} is no number: write one as not_answered<=0.02."
        ) from error
    return Asked(read(parts["name"]), parts["side"], limit)


def limits_of(gates: Sequence[Asked], scene: Scene) -> dict[str, float]:
    """The limits by name of gates that a run can be held to.

    Raises:
        ImpossibleGateError: one has the wrong side, a limit that says nothing, an arm or a network that the
            run has not, or two of them cannot both be meant.
    """
    found: dict[GateName, Asked] = {}
    for gate in gates:
        own = GateName(
            gate.name.metric, gate.name.percent, gate.name.arm or scene.candidate, gate.name.profile
        )
        earlier = found.setdefault(own, gate)
        if (earlier.side, earlier.limit) != (gate.side, gate.limit):
            raise ImpossibleGateError(_clash(earlier, gate))
    for gate in gates:
        _possible(gate)
        _there(gate, scene)
    return {str(gate.name): gate.limit for gate in found.values()}


def _clash(one: Asked, other: Asked) -> str:
    low, high = sorted([one, other], key=lambda gate: gate.limit)
    if low.side == "<=" and high.side == ">=":
        return f"{one} and {other} contradict each other: no run keeps both, so leave one out."
    return f"{one} and {other} are two limits on the same figure: keep the one that is meant."


def _possible(gate: Asked) -> None:
    name = gate.name
    side = _SIDES[name.at_least]
    if gate.side not in (side, "="):
        better = "the higher the better" if name.at_least else "the lower the better"
        raise ImpossibleGateError(
            f"{gate} asks for the wrong side: of {name.metric.label} {better}, so write "
            f"{name}{side}{gate.limit:g}."
        )
    if name.metric.kind is Kind.CHANGE:
        reach = (-1.0, 1.0) if name.unit == "share" else None
    else:
        reach = (0.0, 1.0) if name.unit == "share" else (1.0, 4.5) if name.unit == "MOS" else None
    if reach is not None and not reach[0] <= gate.limit <= reach[1]:
        what = "a share, 0.02 is 2 %" if name.unit == "share" else "an opinion score"
        raise ImpossibleGateError(
            f"The limit of {gate} cannot be: it is {what}, and lies from {reach[0]:g} to {reach[1]:g}."
        )
    if name.metric.kind is Kind.SHARE and gate.limit in (0, 1):
        raise ImpossibleGateError(
            f"The limit of {gate} cannot be: no number of calls shows a share of 0, and 1 is always kept; "
            "write one between, such as 0.02."
        )
    if reach is None and name.metric.kind is not Kind.CHANGE and gate.limit <= 0:
        raise ImpossibleGateError(f"The limit of {gate} cannot be: write one above 0.")


def _there(gate: Asked, scene: Scene) -> None:
    name = gate.name
    if name.arm is not None and name.arm not in scene.arms:
        raise ImpossibleGateError(
            f"The gate {gate} names the arm {name.arm!r}, and this run has {listed(scene.arms)}."
        )
    if name.profile is not None and name.profile not in scene.profiles:
        raise ImpossibleGateError(
            f"The gate {gate} names the network {name.profile!r}, and this run has {listed(scene.profiles)}."
        )
    if name.metric.kind is Kind.SEARCHED and not scene.is_search:
        raise ImpossibleGateError(
            f"The gate {gate} cannot be judged: only locustfiles/capacity.py measures it, without --smoke."
        )
    if name.metric.kind is Kind.CHANGE and not scene.has_baseline:
        raise ImpossibleGateError(
            f"The gate {gate} cannot be judged: name the run that this one is held against with --baseline."
        )
    if name.metric.kind is Kind.CHANGE and name.arm not in (None, scene.candidate):
        raise ImpossibleGateError(
            f"The gate {gate} cannot be judged: a baseline is held against the candidate."
        )
