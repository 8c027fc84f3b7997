"""The options of `locustfiles/capacity.py`: those of a run of calls, and how far the search may go."""

import math
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from capacity import criterion
from capacity.route import CONFIRM_CALLS, Route
from capacity.search import PRECISION
from capacity.sequential import ALPHA
from capacity.stretch import Axis, Cell
from sip import declared, options
from sip.errors import UsageError
from sip.options import Options

DEEPEST = 16.0  # times below its start, a search that only fails gives up
BUDGET_MIN = 20.0  # a cell
ABOVE = 4.0  # times its start, how far a search may go at least where nothing is said
MAX = {Axis.RATE: 10.0, Axis.CONCURRENT: 100.0}
_OWN: Mapping[str, Mapping[str, Any]] = {
    "axis": {
        "choices": [each.value for each in Axis],
        "default": Axis.RATE.value,
        "help": "what is raised: calls per second, or conversations up at once",
    },
    "max": {
        "type": float,
        "metavar": "LOAD",
        "help": "the highest load that may be tried (default: 10 calls/s, 100 calls at once, or 4 times "
        "where the search starts if that is more)",
    },
    "budget": {
        "metavar": "MINUTES[,CALLS]",
        "help": "what the whole search may take (default: 20 minutes for each arm and network)",
    },
    "search-gate": {
        "metavar": "SPEC",
        "default": criterion.DEFAULT,
        "help": "what a load must keep to count as carried; metrics: not_answered, ring_to_answer_pNN_s, "
        "post_dial_delay_pNN_s",
    },
    "smoke": {
        "action": "store_true",
        "help": "one fixed load, --calls-per-second, with as many calls as show the search gate to be kept",
    },
    "resume": {"metavar": "RUN", "help": "go on with a search that was cut, under its own options"},
}


def _changed(name: str, **changes: Any) -> Mapping[str, Any]:
    return {**declared.DECLARED[name], **changes}


DECLARED: Mapping[str, Mapping[str, Any]] = {
    **declared.DECLARED,
    "arms": _changed(
        "arms",
        help="builds to search one by one, of the kinds that locustfiles/calls.py takes (default: bounded)",
    ),
    "calls": {
        "type": int,
        "help": "calls of the confirming hold, which lasts a minute at least (default: 160)",
    },
    "calls-per-second": _changed(
        "calls-per-second", default=0.6, help="where the search starts, and what --smoke holds"
    ),
    **_OWN,
}
"""The options by name, with what argparse wants to know of them."""


@dataclass(frozen=True, slots=True)
class CapacityOptions:
    """A capacity run's options in force, checked."""

    options: Options
    route: Route


def read(given: Namespace, environment: Mapping[str, str]) -> CapacityOptions:
    """Check what was given; raises UsageError with the option's name, its value and what would do."""
    axis = Axis(given.axis)
    try:
        criteria = criterion.read(given.search_gate)
    except ValueError as error:
        raise UsageError("--search-gate", given.search_gate, str(error)) from error
    arms = given.arms or (None if given.trunk else "bounded")
    gates = given.gates or (given.search_gate if given.smoke else None)
    calls = given.calls or CONFIRM_CALLS
    plain = options.read(
        Namespace(**{**vars(given), "arms": arms, "calls": calls, "gates": gates, "run_time": None}),
        environment,
    )
    if axis is Axis.CONCURRENT and plain.hold_s <= 0:
        raise UsageError("--hold", given.hold, "calls that end at once are never up together: give seconds")
    start = plain.calls_per_second if axis is Axis.RATE else max(plain.calls_per_second * plain.hold_s, 1.0)
    most = max(MAX[axis], ABOVE * start) if given.max is None else given.max
    if not start <= most < math.inf:
        raise UsageError(
            "--max", most, f"the search starts at {start:g} {axis.unit}: give that or more, or start lower "
            "with --calls-per-second",
        )  # fmt: skip
    cells = tuple(Cell(arm, profile) for arm in plain.arm_names for profile in plain.network.labels)
    minutes, budget_calls = _budget(given.budget, cells=len(cells))
    if given.run_time:
        minutes = min(minutes, float(options.seconds(given.run_time) or math.inf) / 60)
    route = Route(
        cells=cells,
        axis=axis,
        start=start,
        floor=start / DEEPEST,
        ceiling=most,
        precision=PRECISION,
        criteria=criteria,
        alpha=ALPHA,
        hold_s=plain.hold_s,
        warm_up=plain.warm_up,
        confirm_calls=calls if given.calls or not given.smoke else 0,
        budget_s=60 * minutes,
        budget_calls=budget_calls,
        smoke=given.smoke,
    )
    _check_budget(given.budget or given.run_time, route)
    return CapacityOptions(replace(plain, calls=route.judged_calls * len(plain.arms)), route)


def _budget(spec: str | None, *, cells: int) -> tuple[float, float]:
    """Minutes and calls."""
    if not spec:
        return BUDGET_MIN * cells, math.inf
    minutes, _, calls = spec.partition(",")
    try:
        found = float(minutes), float(calls) if calls else math.inf
    except ValueError:
        found = (math.nan, math.nan)
    if not (found[0] > 0 and found[1] > 0) or math.isinf(found[0]):
        raise UsageError("--budget", spec, "write minutes, or minutes and calls, such as 20 or 20,1500")
    return found


def _check_budget(given: object, route: Route) -> None:
    """Refuse what could decide nothing."""
    if route.smoke or (route.budget_s >= route.least_s and route.budget_calls >= route.least_calls):
        return
    minutes, calls = math.ceil(route.least_s / 6) / 10, route.least_calls
    first = f"{route.start:g} {route.axis.unit}"
    raise UsageError(
        "--budget",
        given,
        f"too little to decide anything: a step at {first} and its confirming hold take {minutes:g} minutes "
        f"and {calls} calls where every call is clean; give {math.ceil(2 * minutes)},{2 * calls} or more, or "
        "start higher with --calls-per-second",
    )
