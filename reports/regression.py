"""What a run was held against, as the report and summary.md say it."""

from dataclasses import dataclass

from analysis.gate_name import read
from analysis.gates import Gate
from analysis.history import Change, changes
from analysis.intervals import Estimate
from analysis.metric import Kind
from analysis.summary import Summary
from analysis.wording import count, listed

_TITLES = {
    "regression_rmst": "mean ring within τ, s",
    "regression_not_answered": "not answered, %",
    "regression_capacity": "capacity",
}
_NOT_RANDOMISED = (
    "That is not randomised: what changed may be the day or the machine as well as the release. To be sure, "
    "dial the old release as an arm beside the new one."
)


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of all the runs, in order, and the gate on what became of it."""

    title: str
    scale: float
    figures: tuple[Estimate | None, ...]
    gate: Gate


@dataclass(frozen=True, slots=True)
class Beside:
    """A run, after those that it was held against."""

    run_id: str
    started_unix: float
    changes: tuple[Change, ...]


def runs_of(summary: Summary) -> list[Beside]:
    """The baselines, oldest first, and the run itself, each with the versions that changed before it."""
    if summary.regression is None:
        return []
    own = (summary.run_ids[-1], summary.started_unix, summary.versions)
    all_of = [
        *((each.run_id, each.started_unix, each.versions) for each in summary.regression.baselines),
        own,
    ]
    before = [versions for _, _, versions in all_of]
    return [
        Beside(run_id, started_unix, changes(before[place - 1], versions) if place else ())
        for place, (run_id, started_unix, versions) in enumerate(all_of)
    ]


def columns_of(summary: Summary) -> list[Column]:
    """The figures that are compared, each with its gate."""
    if summary.regression is None:
        return []
    figures = [*(each.figures for each in summary.regression.baselines), summary.regression.figures]
    found = []
    for gate in gates_of(summary):
        name = read(gate.name)
        title = _TITLES[name.metric.name] + (f" under {name.profile}" if name.profile else "")
        scale = 100.0 if name.metric.name == "regression_not_answered" else 1.0
        found.append(Column(title, scale, tuple(each.get(gate.name) for each in figures), gate))
    return found


def gates_of(summary: Summary) -> list[Gate]:
    """The gates on what changed."""
    return [gate for gate in summary.gates if read(gate.name).metric.kind is Kind.CHANGE]


def told(summary: Summary) -> list[str]:
    """Against what, by which rule, and how little that proves; nothing where there was no baseline."""
    if summary.regression is None:
        return []
    before = summary.regression.baselines
    against = f"{count(len(before), 'earlier run')} ({listed([each.run_id for each in before])})"
    return [
        f"Held against {against} by {summary.regression.rule}.",
        _NOT_RANDOMISED,
    ]
