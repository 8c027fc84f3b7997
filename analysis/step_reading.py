"""One step of a capacity run, read from its calls' records: its figures, and what they decide."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.causes import stage_durations
from analysis.gates import Gate, Verdict
from analysis.intervals import Estimate, Values, percentiles, share, share_bounds
from analysis.metric import TAIL, agent_connect
from analysis.run import Run
from analysis.steps import JUDGED, CapacityPlan, of_step
from analysis.validity import Shortfall, shortfall_of
from capacity.criterion import Criterion, Sight
from capacity.sequential import LEAST_S, Trial
from capacity.step import Decision, Phase, Step

Bads = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
SEARCHING = (Phase.BRACKET, Phase.BISECT)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median and what 95 % do not exceed, in seconds."""

    p50: Estimate
    p95: Estimate


@dataclass(frozen=True, slots=True)
class Criterial:
    """How one criterion of the search gate took a step: its bad calls, and what they show by themselves."""

    name: str
    allowed: float
    n: int
    bad: int
    bad_share: Estimate
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReading:
    """One step: `decision` by its records, `live` as it was taken while calling.

    `n` counts the calls that the figures are of: without warm-up, the tester's own failures and what was cut;
    `missing` those that were placed and have no record. `stages` are medians, in seconds.
    """

    run_id: str
    step: int
    phase: Phase
    arm: str
    profile: str
    load: float
    calls_per_second: float
    began_unix: float
    ended_unix: float
    calls: int
    warm_up: int
    missing: int
    n: int
    decision: Decision
    live: Decision
    because: str
    criteria: tuple[Criterial, ...]
    not_answered_share: Estimate
    ring_to_answer_s: Spread
    agent_connect_s: Spread
    post_dial_delay_s: Spread
    slowest_s: float | None
    stages: Mapping[str, float | None]
    shortfall: Shortfall
    gates: tuple[Gate, ...] = ()

    @property
    def cell(self) -> tuple[str, str, str]:
        """Whose search it belongs to: a run, an arm, a network."""
        return self.run_id, self.arm, self.profile

    @property
    def broken(self) -> tuple[str, ...]:
        """The criteria that its calls show to be broken, or else those that more calls missed than may."""
        shown = tuple(each.name for each in self.criteria if each.verdict is Verdict.FAILED)
        return shown or tuple(each.name for each in self.criteria if each.bad > each.allowed * each.n)

    @property
    def late(self) -> int:
        """The calls that were bad by the criterion that most were bad by."""
        return max((each.bad for each in self.criteria), default=0)

    @property
    def kept(self) -> bool:
        """Whether no criterion had more bad calls than it allows; says nothing of how sure that is."""
        return all(each.bad <= each.allowed * each.n for each in self.criteria)


def bad_calls(calls: pd.DataFrame, criterion: Criterion) -> Bads:
    """Which of these calls one criterion calls bad, now that all of them are over."""
    columns = zip(calls["answered"], calls["ring_to_answer_s"], calls["post_dial_delay_s"], strict=True)
    return np.array(
        [
            criterion.bad(Sight(bool(answered), True, ring_s, None if math.isnan(delay_s) else delay_s))
            for answered, ring_s, delay_s in columns
        ],
        dtype=bool,
    )


def read_step(
    run: Run, plan: CapacityPlan, step: Step, criteria: Sequence[Criterion], gates: Sequence[Gate] = ()
) -> StepReading:
    """Everything that is known of a step; `gates` are the run's own, where they judge it."""
    own = of_step(run.calls, step)
    attempts = own[~own["warm_up"] & ~own["interrupted"]]
    counted = attempts[attempts["outcome"] != "tester_failed"]
    bads = {criterion.name: bad_calls(counted, criterion) for criterion in criteria}
    shortfall = shortfall_of(run, attempts, step.tester)
    return StepReading(
        run_id=plan.run_id,
        step=step.step,
        phase=step.phase,
        arm=step.arm,
        profile=step.profile,
        load=step.load,
        calls_per_second=step.calls_per_second,
        began_unix=step.began_unix,
        ended_unix=step.ended_unix,
        calls=step.calls,
        warm_up=step.warm_up,
        missing=0 if step.first_call is None else step.calls - len(own),
        n=len(counted),
        decision=_decision(step, plan, criteria, list(bads.values()), gates, short=shortfall.short),
        live=step.decision,
        because=step.because,
        criteria=tuple(_criterial(criterion, bads[criterion.name]) for criterion in criteria),
        not_answered_share=share(int((~counted["answered"]).sum()), len(counted)),
        ring_to_answer_s=_spread(_known(counted, "ring_to_answer_s"), run.tau_s),
        agent_connect_s=_connect(counted),
        post_dial_delay_s=_spread(_known(counted, "post_dial_delay_s")),
        slowest_s=_largest(_known(counted[counted["answered"]], "ring_to_answer_s")),
        stages=_stages(counted) if run.rooms_observed else {},
        shortfall=shortfall,
        gates=tuple(gates),
    )


def _decision(
    step: Step,
    plan: CapacityPlan,
    criteria: Sequence[Criterion],
    bads: Sequence[Bads],
    gates: Sequence[Gate],
    *,
    short: bool,
) -> Decision:
    """Decided anew from the records as it was while calling: calls in the order in which they were due."""
    if step.phase in JUDGED:
        return Decision.NOT_VALID if short else _by_gates(gates)
    if step.phase not in SEARCHING:
        return step.decision
    if short or step.decision is Decision.NOT_VALID:
        return Decision.NOT_VALID
    trial = Trial(criteria, least=math.ceil(step.calls_per_second * LEAST_S), alpha=plan.alpha)
    for seen in zip(*bads, strict=True):
        trial.add(tuple(map(bool, seen)))
        if trial.decision is not None:
            return Decision(trial.decision)
    return step.decision if step.decision is Decision.CUT else Decision.UNDECIDED


def _by_gates(gates: Sequence[Gate]) -> Decision:
    verdicts = {gate.verdict for gate in gates}
    for verdict, decision in ((Verdict.FAILED, Decision.FAILED), (Verdict.UNDECIDED, Decision.UNDECIDED)):
        if verdict in verdicts:
            return decision
    return Decision.PASSED if gates else Decision.UNDECIDED


def _criterial(criterion: Criterion, bads: Bads) -> Criterial:
    n, bad = len(bads), int(np.sum(bads))
    verdict = Verdict.UNDECIDED
    if n:
        low, high = share_bounds(bad, n, TAIL)
        verdict = (
            Verdict.PASSED if high <= criterion.share
            else Verdict.FAILED if low > criterion.share
            else verdict
        )  # fmt: skip
    return Criterial(criterion.name, criterion.share, n, bad, share(bad, n), verdict)


def _known(calls: pd.DataFrame, name: str) -> Values:
    return calls[name].dropna().to_numpy(dtype="float64")


def _largest(values: Values) -> float | None:
    return float(values.max()) if values.size else None


def _spread(values: Values, limit: float = math.inf, errors: Values | float = 0.0) -> Spread:
    return Spread(*percentiles(values, (0.5, 0.95), limit=limit, errors=errors))


def _connect(calls: pd.DataFrame) -> Spread:
    latencies, errors, reach = agent_connect(calls)
    return _spread(latencies, reach, errors)


def _stages(calls: pd.DataFrame) -> Mapping[str, float | None]:
    """The median of each stage over the calls that reached it."""
    medians = stage_durations(calls).median() if len(calls) else stage_durations(calls).iloc[:0].median()
    return {str(name): None if pd.isna(value) else float(value) for name, value in medians.items()}
