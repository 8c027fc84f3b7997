"""The first screen of a capacity run in words: why, how sure, and what to do next."""

from collections.abc import Sequence

from analysis.capacity import Capacity
from analysis.gates import Verdict
from analysis.knee import Knee, Limit, beside_each_other
from analysis.run import Run
from analysis.step_reading import SEARCHING
from analysis.wording import count, listed, loaded, number, percent

# What makes each stage longer as load grows.
GROWTH = {
    "room join": "the trunk's or the server's processor",
    "dispatch": "how many agent processes are kept idle, and the load at which workers stop taking jobs",
    "agent active": "the agents' way to the server",
    "connect and publish": "the agents' processor, and what they wait for before they speak",
    "answer": "the trunk's processor",
}
_GREW = 1.5  # times, from the lowest load to the highest that was read
_GREW_S = 0.05


def why(run: Run, capacity: Capacity) -> list[str]:
    """What the verdict stands on."""
    knees = capacity.of(run.candidate)
    return [
        *(_evidence(knee, capacity) for knee in knees if knee.high is not None or knee.low is not None),
        *(said for knee in knees for said in _growth(knee, capacity)),
        *(beside_each_other(capacity.knees, capacity.unit) or _others(run, capacity)),
    ]


def _evidence(knee: Knee, capacity: Capacity) -> str:
    """How many calls were bad at the last load that passed and at the first that failed."""
    steps = capacity.of_cell(knee)
    at = [(load, [step for step in steps if step.load == load and step.n]) for load in (knee.low, knee.high)]
    told = []
    for load, own in at:
        tried = [step for step in own if step.phase in SEARCHING] or own
        if load is not None and tried:
            bad, n = sum(step.late for step in tried), sum(step.n for step in tried)
            told.append(f"{bad} of {count(n, 'call')} at {loaded(load, capacity.unit)}")
    most = min(each.allowed for step in steps for each in step.criteria)
    return f"{knee.who}: late or unanswered were {listed(told)}; {percent(most)} may be."


def _others(run: Run, capacity: Capacity) -> list[str]:
    return [knee.sentence for knee in capacity.knees if knee.arm != run.candidate]


def how_sure(run: Run, capacity: Capacity) -> list[str]:
    """What the numbers can and cannot bear."""
    plan = capacity.searches[-1]
    longest_s = max((step.ended_unix - step.began_unix for step in capacity.steps), default=0.0)
    said = []
    if not capacity.smoke:
        said.append(
            f"Each step was decided with at most {number(100 * plan.alpha)} chances in 100 of taking its "
            f"load for better than it is; no load was held for longer than {number(longest_s / 60)} min."
        )
    said += [f"{knee.who}: {_END[knee.limited_by]}" for knee in capacity.knees if knee.limited_by]
    held = [knee for knee in capacity.of(run.candidate) if knee.held is not None]
    said += [
        f"The gates stand on {count(knee.hold_calls, 'call')} at {loaded(knee.held, capacity.unit)}."
        for knee in held
        if knee.held is not None
    ]
    if run.cut:
        said.append("The run was cut before its end.")
    return said


_END = {
    Limit.MAX: "no load that was allowed was too much, so how much more it takes is not known.",
    Limit.TESTER: "the tester came to its own limit first, so how much more the system takes is not known.",
    Limit.BUDGET: "the budget was used up first, so the interval is wider than asked for.",
    Limit.INTERRUPTED: "the search was interrupted, so the interval is wider than asked for.",
}


def what_to_do(run: Run, verdict: Verdict, capacity: Capacity) -> list[str]:
    """The next step."""
    candidate, knees = run.candidate, capacity.of(run.candidate)
    match verdict:
        case Verdict.FAILED:
            return [
                f"Hold {candidate} back, or release it for less than it was tried at.",
                *_where(knees, capacity),
            ]
        case Verdict.UNDECIDED:
            return [f"Do not release {candidate} on this run alone.", *_more(knees, capacity)]
    said = [f"Release {candidate}."]
    loads = [knee.confirmed for knee in knees if knee.confirmed is not None]
    if loads and not capacity.smoke:
        said[0] = f"Release {candidate}, for at most {loaded(min(loads), capacity.unit)} at its busiest."
    return [*said, *(_where(knees, capacity) if not capacity.smoke else [])]


def _more(knees: Sequence[Knee], capacity: Capacity) -> list[str]:
    said = []
    limits = {knee.limited_by for knee in knees}
    if Limit.BUDGET in limits:
        said.append("Search again with a larger --budget, or from nearer the knee.")
    if Limit.INTERRUPTED in limits:
        said.append("Go on with --resume and this run's folder: what was decided is kept.")
    if any(knee.hold_open for knee in knees):
        gates = dict.fromkeys(gate for knee in knees for gate in knee.hold_open)
        said.append(f"Hold longer: {listed(list(gates))} lay too close to the limit, or had too few calls.")
    return said or ["Search again."]


def _where(knees: Sequence[Knee], capacity: Capacity) -> list[str]:
    """Where to look for more."""
    stages = [stage for knee in knees if (stage := _grown(knee, capacity)) is not None]
    return [f"To carry more, look at {GROWTH[name]}." for name in dict.fromkeys(name for name, *_ in stages)]


def _growth(knee: Knee, capacity: Capacity) -> list[str]:
    found = _grown(knee, capacity)
    if found is None:
        return []
    name, low, before_s, high, after_s = found
    loads = f"From {number(low)} to {loaded(high, capacity.unit)}"
    grown = f"grew from {number(before_s)} to {number(after_s)} s, more than any other stage"
    return [f"{knee.who}: {loads[0].lower()}{loads[1:]} the median {name} {grown}."]


def _grown(knee: Knee, capacity: Capacity) -> tuple[str, float, float, float, float] | None:
    """The stage that grew most from the lowest load tried to the lowest failed one, and by how much."""
    steps = [
        step
        for step in capacity.of_cell(knee)
        if step.stages and step.phase in ("bracket", "bisect", "confirm")
    ]
    if not steps or knee.high is None:
        return None
    first = min(steps, key=lambda step: step.load)
    last = next((step for step in steps if step.load == knee.high), None)
    if last is None or last.load <= first.load:
        return None
    grown = {name: (last.stages[name] or 0.0) - (first.stages[name] or 0.0) for name in first.stages}
    name = max(grown, key=grown.__getitem__)
    before_s, after_s = first.stages[name] or 0.0, last.stages[name] or 0.0
    if after_s < _GREW * before_s or grown[name] < _GREW_S:
        return None
    return name, first.load, before_s, last.load, after_s
