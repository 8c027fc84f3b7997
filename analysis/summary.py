"""The machine's reading of a run: every number of the report, the verdict, and the sentence that says it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from analysis.across import across
from analysis.arms import ArmSummary, arm_summary
from analysis.capacity import Capacity, capacity_of, known_of, limits_of, warnings_of
from analysis.capacity_verdict import capacity_checks, capacity_sentence, capacity_verdict
from analysis.caveats import caveats_of
from analysis.clocks import Clocks, clocks_of
from analysis.compare import Comparison, compare
from analysis.delivery import Delivered, deliveries
from analysis.gates import Gate, Verdict, judge
from analysis.intervals import Estimate
from analysis.kept import Kept, figures_of
from analysis.prediction import Prediction, predictions
from analysis.proof import marked, proofs
from analysis.regression import Regression, regressions
from analysis.run import FORMAT, Run
from analysis.validity import Check, checks
from analysis.verdict import sentence, verdict_of


@dataclass(frozen=True, slots=True)
class Profile:
    """The arms under one network profile, and the candidate's gates there."""

    arms: Mapping[str, ArmSummary]
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Dosed:
    """What stood between the parts of the system, and what it delivered."""

    executor: str
    priority: str | None
    delivered: tuple[Delivered, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What summary.json holds (schemas/summary.json)."""

    format: int
    run_ids: tuple[str, ...]
    started_unix: float
    verdict: Verdict
    exit_code: int
    sentence: str
    trunk: str
    tau_s: float
    candidate: str
    conditions: Mapping[str, object]
    versions: Mapping[str, str | None]
    arms: Mapping[str, ArmSummary]
    profiles: Mapping[str, Profile]
    comparisons: tuple[Comparison, ...]
    prediction: tuple[Prediction, ...]
    clocks: Clocks
    network: Dosed | None
    capacity: Capacity | None
    regression: Regression | None
    gates: tuple[Gate, ...]
    validity: tuple[Check, ...]
    warnings: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """As `json.dumps` takes it."""
        return asdict(self)


def summarise(run: Run, kept: Sequence[Kept] = ()) -> Summary:
    """Read one run, and hold it against those that were kept.

    Raises:
        UnknownGateError: run.json names a gate that does not exist.
        UnlikeRunsError: it must not be compared with one that was kept.
    """
    for each in kept:
        each.refuse_unlike(run.run_ids[-1], run.conditions)
    counted = run.counted()
    delivered = deliveries(run)
    capacity = capacity_of(run)
    validity = [*checks(run), *proofs(run, delivered), *capacity_checks(run, capacity)]
    gates, unmeasured = judge(
        counted, run.candidate, limits_of(run), tau_s=run.tau_s, known=known_of(run, capacity)
    )
    if capacity is not None and not any(knee.held for knee in capacity.of(run.candidate)):
        gates = [gate for gate in gates if gate.n]
    # Arms are held at loads of their own, one after the other: no difference is the arms' alone.
    comparisons = _comparisons(run) if capacity is None else []
    forecast = predictions(run)
    clocks = clocks_of(run)
    arms = _arms(run, None)
    now = _comparable(run, arms, capacity)
    labels = run.labels
    # A run that knew but one network has been read under it already.
    alone = len(labels) == 1 and bool(run.calls["profile"].notna().all())
    by_network = {label: arms if alone else _arms(run, label) for label in labels}
    networks = {label: tuple(gates) if len(labels) == 1 else _gates(run, label) for label in labels}
    if kept:
        gates += regressions(run.candidate, now, kept, run.limits)
    verdict = verdict_of(gates, validity)
    said = sentence(verdict, run.candidate, gates, validity, networks)
    if capacity is not None:
        verdict = capacity_verdict(capacity, run.candidate, gates, validity)
        said = capacity_sentence(verdict, capacity, run.candidate, gates, said)
    return Summary(
        format=FORMAT,
        run_ids=run.run_ids,
        started_unix=run.started_unix,
        verdict=verdict,
        exit_code=verdict.exit_code,
        sentence=said,
        trunk=run.trunk_kind,
        tau_s=run.tau_s,
        candidate=run.candidate,
        conditions=run.conditions,
        versions=run.versions,
        arms=arms,
        profiles={
            label: Profile(by_network[label], _as_far_as(verdict, networks[label])) for label in labels
        },
        comparisons=tuple(comparisons),
        prediction=tuple(forecast),
        clocks=clocks,
        network=_dosed(run, delivered),
        capacity=capacity,
        regression=Regression.of(now, kept, run.limits) if kept else None,
        gates=_as_far_as(verdict, gates),
        validity=tuple(validity),
        warnings=(
            *caveats_of(run, gates, unmeasured, comparisons, forecast, clocks, delivered),
            *warnings_of(run, capacity),
        ),
    )


def _comparisons(run: Run) -> list[Comparison]:
    """Within each run, every arm with the first; across runs, every arm with itself in the first run."""
    counted = run.counted()
    found: list[Comparison] = []
    for run_id in run.run_ids:
        reference, *others = [arm.name for arm in run.arms if arm.run_id == run_id]
        found += compare(counted, reference, others, tau_s=run.tau_s, seed=run.seed)
    for arm in run.arms:
        before = next(other for other in run.arms if other.plain_name == arm.plain_name)
        if before.run_id != arm.run_id:
            found.append(across(counted, before.name, arm.name, tau_s=run.tau_s))
    return found


def _as_far_as(verdict: Verdict, gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """The gates as far as the run may be believed: where it is not valid none of them is."""
    if verdict is not Verdict.NOT_VALID:
        return tuple(gates)
    return tuple(replace(gate, verdict=Verdict.NOT_VALID) for gate in gates)


def _comparable(run: Run, arms: Mapping[str, ArmSummary], capacity: Capacity | None) -> dict[str, Estimate]:
    """What of this run is held against earlier ones, taken as it is from theirs."""
    return figures_of(
        {
            "candidate": run.candidate,
            "conditions": run.conditions,
            "arms": {run.candidate: asdict(arms[run.candidate])},
            "capacity": capacity and asdict(capacity),
        }
    )


def _gates(run: Run, label: str) -> tuple[Gate, ...]:
    """The candidate's gates under one network."""
    counted = run.counted()
    judged, _ = judge(counted, run.candidate, limits_of(run), tau_s=run.tau_s, profile=label)
    return tuple(judged)


def _dosed(run: Run, delivered: Sequence[Delivered]) -> Dosed | None:
    used = [dose for dose in run.doses if dose.executor is not None]
    if not used:
        return None
    return Dosed(
        executor=" and ".join(dict.fromkeys(str(dose.executor) for dose in used)),
        priority=" and ".join(dict.fromkeys(dose.priority for dose in used if dose.priority)) or None,
        delivered=tuple(marked(delivered)),
    )


def _arms(run: Run, profile: str | None) -> dict[str, ArmSummary]:
    attempts, counted = run.attempts()[["arm", "profile", "outcome"]], run.counted()
    if profile is not None:
        attempts, counted = attempts[attempts["profile"] == profile], counted[counted["profile"] == profile]
    return {
        arm.name: arm_summary(
            attempts[attempts["arm"] == arm.name],
            counted[counted["arm"] == arm.name],
            kind=arm.kind,
            tau_s=run.tau_s,
            rooms_observed=run.rooms_observed,
        )
        for arm in run.arms
    }
