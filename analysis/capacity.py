"""What a capacity run found: its steps read, the knee of each arm and network, and what overload does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.gate_name import read as read_gate
from analysis.gates import Gate, Verdict, judge
from analysis.knee import Knee, knee_of, lowest_failed, searched
from analysis.leaks import Left
from analysis.metric import Bounds, Kind
from analysis.overload import Burst, Shed, bursts_of, shed_of
from analysis.run import Run
from analysis.step_reading import SEARCHING, StepReading, read_step
from analysis.steps import JUDGED, CapacityPlan, of_step
from analysis.wording import count, listed, loaded, number
from capacity.criterion import read
from capacity.step import Phase, Step
from capacity.stretch import Axis


@dataclass(frozen=True, slots=True)
class Leaks:
    """What was still there after the last call: in rooms, None where they were not observed, and of calls."""

    rooms: Left | None
    calls_without_end: int
    byes_without_answer: int

    @property
    def nothing(self) -> bool:
        """Whether all had gone."""
        return not (self.calls_without_end or self.byes_without_answer) and (
            self.rooms is None or self.rooms.nothing
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """`capacity` of summary.json; `searches` has one entry a run, `knees` one a run, arm and network."""

    axis: Axis
    unit: str
    search_gate: tuple[str, ...]
    smoke: bool
    searches: tuple[CapacityPlan, ...]
    baseline: tuple[StepReading, ...]
    knees: tuple[Knee, ...]
    steps: tuple[StepReading, ...]
    bursts: tuple[Burst, ...]
    shed: tuple[Shed, ...]
    leaks: Leaks

    def of(self, arm: str) -> tuple[Knee, ...]:
        """The knees of one arm, one a network."""
        return tuple(knee for knee in self.knees if knee.arm == arm)

    def burst_in_time(self, knee: Knee) -> int | None:
        """The largest cold burst that was answered in time, 0 where none was; None where none was tried."""
        own = [
            burst
            for burst in self.bursts
            if (burst.run_id, burst.arm, burst.profile) == (knee.run_id, knee.arm, knee.profile)
        ]
        return max((burst.size for burst in own if burst.in_time), default=0) if own else None

    def of_cell(self, knee: Knee) -> tuple[StepReading, ...]:
        """The steps that led to a knee."""
        return tuple(step for step in self.steps if step.cell == (knee.run_id, knee.arm, knee.profile))


def capacity_of(run: Run) -> Capacity | None:
    """Read the steps of one capacity run, or of several side by side; None for runs at a given load."""
    plan = run.capacity
    if plan is None:
        return None
    criteria = read(",".join(plan.search_gate))
    plans = {each.run_id: each for each in run.searches}
    run_of = {arm.name: arm.run_id for arm in run.arms}
    steps: list[StepReading] = []
    baseline: list[StepReading] = []
    for step in run.steps:
        if step.phase is Phase.BASELINE:
            baseline.append(read_step(run, plan, step, ()))
        elif step.arm in run_of:
            gates = _gates(run, step) if step.phase in JUDGED else ()
            steps.append(read_step(run, plans[run_of[step.arm]], step, criteria, gates))
    cells: dict[tuple[str, str, str], list[StepReading]] = {}
    for reading in steps:
        cells.setdefault(reading.cell, []).append(reading)
    return Capacity(
        axis=plan.axis,
        unit=plan.unit,
        search_gate=plan.search_gate,
        smoke=plan.smoke,
        searches=run.searches,
        baseline=tuple(baseline),
        knees=tuple(_knee(run, plans[cell[0]], own) for cell, own in cells.items()),
        steps=tuple(steps),
        bursts=tuple(burst for own in cells.values() for burst in bursts_of(own)),
        shed=tuple(shed for own in cells.values() if (shed := shed_of(run, own, criteria)) is not None),
        leaks=_leaks(run),
    )


def limits_of(run: Run) -> Mapping[str, float]:
    """The run's gates; where it took one look, those of its search gate, for it is what that decides."""
    if run.capacity is None or not run.capacity.smoke:
        return run.limits
    asked = {
        name: float(limit) for name, _, limit in (each.partition("<=") for each in run.capacity.search_gate)
    }
    return asked | dict(run.limits)


def known_of(run: Run, capacity: Capacity | None) -> dict[str, Bounds]:
    """The figures of the gates on capacity: from the highest load that passed to the lowest that failed.

    A gate that names no network is about the one under which the arm carries least.
    """
    if capacity is None:
        return {}
    _, at, run_id = run.candidate.partition("@")
    found: dict[str, Bounds] = {}
    for name in map(read_gate, run.limits):
        if name.metric.kind is not Kind.SEARCHED:
            continue
        arm = run.candidate if name.arm is None else f"{name.arm}{at}{run_id}"
        knees = [knee for knee in capacity.of(arm) if name.profile in (None, knee.profile)]
        if knees:
            low = min(knee.low or 0.0 for knee in knees)
            high = min(float("inf") if knee.high is None else knee.high for knee in knees)
            value = low if all(knee.low is not None for knee in knees) else float("nan")
            found[str(name)] = Bounds(value, low, high, sum(knee.calls for knee in knees))
    return found


def _gates(run: Run, step: Step) -> tuple[Gate, ...]:
    """The run's gates, by the calls of one step alone, as far as they are about its arm and network."""
    limits = limits_of(run)
    plain = step.arm.partition("@")[0]
    own = {
        name: limit
        for name, limit in limits.items()
        if (asked := read_gate(name)).metric.measure is not None
        and asked.arm in (None, plain)
        and asked.profile in (None, step.profile)
    }
    if limits and not own:
        return ()
    calls = of_step(run.calls, step)
    calls = calls[~calls["warm_up"] & ~calls["interrupted"] & (calls["outcome"] != "tester_failed")]
    judged, _ = judge(calls, step.arm, own, tau_s=run.tau_s)
    return tuple(judged)


def _knee(run: Run, plan: CapacityPlan, steps: Sequence[StepReading]) -> Knee:
    failing = lowest_failed(steps, searched(plan, steps).knee.high)
    broken: Iterable[Gate] = ()
    if failing is not None:
        step = next(each for each in run.steps if (each.step, each.arm) == (failing.step, failing.arm))
        broken = [gate for gate in _gates(run, step) if gate.verdict is Verdict.FAILED]
    return knee_of(plan, steps, [gate.title for gate in broken])


def _leaks(run: Run) -> Leaks:
    calls = run.calls[~run.calls["interrupted"]]
    hung_up = calls["bye_s"].notna() & (calls["ended_by"] == "caller")
    return Leaks(
        rooms=run.left,
        calls_without_end=int(calls["ended_s"].isna().sum()),
        byes_without_answer=int((hung_up & calls["bye_answered_s"].isna()).sum()),
    )


def warnings_of(run: Run, capacity: Capacity | None) -> list[str]:
    """What a reader must know before believing a capacity, the gravest first."""
    if capacity is None:
        return []
    said = [
        f"Step {step.step} ({step.arm}, {loaded(step.load, capacity.unit)}) was taken for "
        f"{_words(step.live)} while calling, and its records say {_words(step.decision)}: the records count."
        for step in capacity.steps
        if step.phase in SEARCHING and step.decision is not step.live
    ]
    said += [
        f"{knee.who} passed at {listed([number(load) for load in knee.contradicted])} {capacity.unit}, "
        "though it failed there or below: it was not the same all the time, and what disagrees decides "
        "nothing. Search again when it is quiet."
        for knee in capacity.knees
        if knee.contradicted
    ]
    said += [
        f"{count(step.missing, 'call')} of step {step.step} left no record."
        for step in capacity.steps
        if step.missing
    ]
    resumed = sum(plan.resumed for plan in run.searches)
    if resumed:
        said.append("The search was interrupted and went on later: its steps are not of one stretch of time.")
    if not capacity.leaks.nothing:
        said.append("Something was left behind after the last call: see “Was anything left behind?”.")
    return said


def _words(decision: str) -> str:
    return decision.replace("_", " ")
