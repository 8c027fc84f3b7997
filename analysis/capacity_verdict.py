"""May it be released, by a capacity run: what makes one not valid, its verdict and its sentence."""

from collections.abc import Sequence

import pandas as pd

from analysis.capacity import Capacity
from analysis.gates import Gate, Verdict
from analysis.knee import Knee, Limit
from analysis.run import Run
from analysis.step_reading import SEARCHING
from analysis.steps import JUDGED, of_step
from analysis.validity import Check
from analysis.verdict import reading
from capacity.step import Decision

# A target that refuses so many of all calls is not overloaded: it was not set up to take them.
REFUSED_SHARE = 0.5


def capacity_checks(run: Run, capacity: Capacity | None) -> list[Check]:
    """What else makes it not valid: a tester that kept all from being decided, a target without calls."""
    if capacity is None:
        return []
    knees = capacity.of(run.candidate)
    short = [
        step for step in capacity.steps if step.decision is Decision.NOT_VALID and step.arm == run.candidate
    ]
    unfounded = bool(short) and not any(knee.confirmed or knee.high is not None for knee in knees)
    refused, status = _refusals(run)
    found = [
        Check(
            "loads at which the tester was the bottleneck, with nothing decided below them",
            not unfounded,
            float(len(short)) if unfounded else 0.0,
            0.0,
            "Give the tester cores or a machine of its own, or search below with --max.",
        )
    ]
    if refused is not None:
        found.append(
            Check(
                f"calls that the target refused{f' with {status}' if status else ''}, of all",
                refused <= REFUSED_SHARE,
                refused,
                REFUSED_SHARE,
                "Look at the numbers, the trunk and its dispatch rules, then at the credentials: this is no "
                "question of load.",
            )
        )
    return found


def _refusals(run: Run) -> tuple[float | None, str]:
    """The share of the candidate's calls with a refusal that no load explains, and the commonest status."""
    steps = [step for step in run.steps if step.arm == run.candidate and step.phase in (*SEARCHING, *JUDGED)]
    calls = pd.concat([of_step(run.calls, step) for step in steps]) if steps else run.calls.iloc[:0]
    calls = calls[~calls["interrupted"] & (calls["outcome"] != "tester_failed")]
    if calls.empty:
        return None, ""
    refused = calls[calls["outcome"].isin(["misconfigured", "redirected"])]
    statuses = (
        refused["sip_status"].dropna().astype("int64").astype("str") + " " + refused["sip_reason"].fillna("")
    )
    return len(refused) / len(calls), str(statuses.mode().iloc[0]).strip() if len(statuses.dropna()) else ""


def capacity_verdict(
    capacity: Capacity, candidate: str, gates: Sequence[Gate], validity: Sequence[Check]
) -> Verdict:
    """Failed where a gate breaks or the lowest load tried does; passed where every hold kept all gates."""
    knees = capacity.of(candidate)
    if not all(check.ok for check in validity):
        return Verdict.NOT_VALID
    # An interrupted search says nothing of the loads below, which it had yet to try.
    lowest_fails = any(
        knee.low is None and knee.high is not None and knee.limited_by is None for knee in knees
    )
    if lowest_fails or any(gate.verdict is Verdict.FAILED for gate in gates):
        return Verdict.FAILED
    held = bool(knees) and all(knee.confirmed is not None for knee in knees)
    if not held or not gates or any(gate.verdict is Verdict.UNDECIDED for gate in gates):
        return Verdict.UNDECIDED
    return Verdict.PASSED


def capacity_sentence(
    verdict: Verdict, capacity: Capacity, candidate: str, gates: Sequence[Gate], otherwise: str
) -> str:
    """What a release manager reads first; `otherwise` is said where there is no knee to speak of."""
    knees = capacity.of(candidate)
    if verdict is Verdict.NOT_VALID or not knees:
        return otherwise
    found = " ".join(knee.sentence for knee in knees)
    match verdict:
        case Verdict.FAILED:
            broken = [reading(gate) for gate in gates if gate.verdict is Verdict.FAILED]
            return f"Do not release {candidate}: {'; '.join([found.rstrip('.'), *broken])}."
        case Verdict.UNDECIDED:
            return f"Not decided for {candidate}: {found}{_why_open(knees)}"
    return found


def _why_open(knees: Sequence[Knee]) -> str:
    if any(knee.limited_by is Limit.BUDGET for knee in knees):
        return " The budget was used up before the search came to its end."
    if any(knee.limited_by is Limit.INTERRUPTED for knee in knees):
        return " Go on with --resume."
    return ""
