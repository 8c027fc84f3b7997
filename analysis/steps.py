"""What a capacity run searched for, the steps it took, and which calls belong to which."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.lines import Lines
from capacity.sequential import ALPHA
from capacity.step import Phase, Step, call_number
from capacity.stretch import Axis

# Of these the run's own gates speak; the others are there to find the load of these.
JUDGED = (Phase.CONFIRM, Phase.SMOKE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPlan:
    """The search that one run was asked for (`capacity` of run.json); `cut` says that it was interrupted.

    `ceiling_by` says who set the highest load: `max` (the option) or `tester` (what it can do by its
    baseline).
    """

    run_id: str
    axis: Axis
    start: float
    ceiling: float
    ceiling_by: str
    precision: float
    search_gate: tuple[str, ...]
    alpha: float
    budget_s: float | None
    budget_calls: int | None
    smoke: bool
    resumed: int
    cut: bool

    @property
    def unit(self) -> str:
        """What its loads are counted in."""
        return self.axis.unit


def plan_of(settings: Mapping[str, Any]) -> CapacityPlan | None:
    """The search that run.json tells of; None where the run was no search."""
    asked = settings.get("capacity")
    if asked is None:
        return None
    return CapacityPlan(
        run_id=settings["run_id"],
        axis=Axis(asked["axis"]),
        start=asked["start"],
        ceiling=asked["ceiling"],
        ceiling_by=asked["ceiling_by"],
        precision=asked["precision"],
        search_gate=tuple(asked["search_gate"]),
        alpha=asked.get("alpha", ALPHA),
        budget_s=asked["budget_s"],
        budget_calls=asked.get("budget_calls"),
        smoke=asked["smoke"],
        resumed=asked["resumed"],
        cut=settings["state"] != "complete",
    )


def steps_of(lines: Lines[dict[str, Any]]) -> tuple[Step, ...]:
    """The steps that can be read, in their order; a line that is none counts as cut."""
    return tuple(sorted(_readable(lines), key=lambda step: step.step))


def _readable(lines: Lines[dict[str, Any]]) -> Iterator[Step]:
    for line in lines:
        try:
            yield Step.of(line)
        except ValueError:
            lines.cut += 1


def with_steps(calls: pd.DataFrame, steps: Iterable[Step]) -> pd.DataFrame:
    """Add to each call the number and the phase of its step; both are missing where it is of none.

    Calls of a step that was never finished are of none.
    """
    numbers = np.fromiter(map(call_number, calls["call_id"]), dtype="int64", count=len(calls))
    step = np.full(len(calls), -1, dtype="int64")
    phase = np.full(len(calls), None, dtype=object)
    for each in steps:
        if each.first_call is not None:
            own = (numbers >= each.first_call) & (numbers < each.first_call + each.calls)
            step[own], phase[own] = each.step, each.phase.value
    return calls.assign(step=pd.array(step, dtype="Int64"), phase=pd.array(phase, dtype="str")).assign(
        step=lambda table: table["step"].where(table["step"] >= 0)
    )


def judged_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The last confirming hold of each arm under each network, or its one look where there was no search."""
    last = {(step.arm, step.profile): step for step in steps if step.phase in JUDGED}
    return tuple(last.values())


def of_step(calls: pd.DataFrame, step: Step) -> pd.DataFrame:
    """The calls of one step; of several runs side by side the arm tells whose step it is."""
    return calls[(calls["step"] == step.step).fillna(value=False) & (calls["arm"] == step.arm)]
