"""A run's figures as series of labelled numbers: what a monitoring system keeps of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from analysis.arms import ArmSummary
from analysis.capacity import Capacity
from analysis.gates import Gate, Verdict
from analysis.intervals import Estimate
from analysis.percentiles import LowPercentiles, Percentiles
from analysis.run import Run
from analysis.summary import Profile, Summary

_LOADS = {"rate": "calls_per_second", "concurrent": "concurrent_calls"}
ALL = "all"  # the calls under every network together
_PERCENTILES = ("p1", "p5", "p10", "p50", "p90", "p95", "p99")

Labels = Mapping[str, str]
Known = tuple[Labels, float | None]
"""A number, or that it is not known."""


@dataclass(frozen=True, slots=True)
class Point:
    """One number and what it is of."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one kind, all with the same labels; `unit` is seconds, ratio (0 to 1) or empty."""

    name: str
    unit: str
    text: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Figure:
    """Where an arm's summary has a figure, and what that is called outside; `scale` makes it a base unit."""

    path: str
    name: str
    unit: str
    text: str
    scale: float = 1.0


_COUNTS = {
    "calls": "Calls that were due, warm-up left out",
    "answered_calls": "Calls with a 200 within the ring timeout",
    "not_answered_calls": "Calls without a 200 within the ring timeout",
}
_FIGURES = (
    _Figure("not_answered_share", "not_answered", "ratio", "Share of calls not answered"),
    _Figure("ring_to_answer_s", "ring_to_answer", "seconds", "First 180 to 200; unanswered calls are beyond"),
    _Figure("rmst_s", "mean_ring", "seconds", "Mean ring within the ring timeout (RMST)"),
    _Figure("agent_connect_s", "agent_connect", "seconds", "Agent in the room to its audio published"),
    _Figure("wait_s", "wait", "seconds", "Due to first audible sound"),
    _Figure("greeting_s", "greeting", "seconds", "200 to first audible sound"),
    _Figure("post_dial_delay_s", "post_dial_delay", "seconds", "INVITE to first 180"),
    _Figure("rtp.loss_share", "rtp_loss", "ratio", "RTP packets lost in a call"),
    _Figure("rtp.jitter_ms", "rtp_jitter", "seconds", "RTP jitter in a call (RFC 3550)", 1e-3),
    _Figure("rtp.mos", "rtp_mos", "", "Opinion of a call by the E-model (G.107), 1 to 4.5"),
    _Figure("heard.response_s", "response", "seconds", "End of a phrase to the agent's next audible sound"),
    _Figure("heard.unanswered_share", "unanswered_phrase", "ratio", "Calls with a phrase without an answer"),
    _Figure("heard.went_silent_share", "went_silent", "ratio", "Calls whose agent went silent for good"),
    _Figure("heard.one_way_share", "one_way_audio", "ratio", "Answered calls without a packet or a sound"),
    _Figure("heard.talk_over_share", "talk_over", "ratio", "Part of a call in which both were audible"),
    _Figure("rfc6076.ser", "rfc6076_ser", "ratio", "Session establishment ratio (RFC 6076, 4.6)"),
    _Figure("rfc6076.seer", "rfc6076_seer", "ratio", "Session establishment effectiveness (RFC 6076, 4.7)"),
    _Figure("rfc6076.seer_agent", "rfc6076_seer_agent", "ratio", "SEER read for an agent, never busy"),
    _Figure("rfc6076.isa", "rfc6076_isa", "ratio", "Ineffective session attempts (RFC 6076, 4.8)"),
    _Figure("rfc6076.isa_agent", "rfc6076_isa_agent", "ratio", "ISA read for an agent, never busy"),
    _Figure("rfc6076.scr", "rfc6076_scr", "ratio", "Session completion ratio (RFC 6076, 4.9)"),
    _Figure("rfc6076.sdd_s", "rfc6076_sdd", "seconds", "BYE to its answer (RFC 6076, 4.4)"),
)


def identity(run: Run, summary: Summary) -> dict[str, str]:
    """Which run it was, and which versions of what it measured."""
    return {
        "run_id": ",".join(summary.run_ids),
        "trunk": summary.trunk,
        "network": run.network,
        "candidate": run.candidate,
        **{re.sub(r"\W", "_", name): version for name, version in run.versions.items() if version},
    }


def series(run: Run, summary: Summary) -> list[Series]:
    """Every number of a summary that may be watched from run to run; those not known are left out."""
    found = [
        *_of_the_run(run, summary),
        *_of_the_arms(summary),
        *_of_the_gates(summary),
        *_of_the_checks(summary),
        *_of_the_comparisons(summary),
        *(_of_the_knees(summary.capacity) if summary.capacity is not None else ()),
    ]
    return [each for each in found if each.points]


def _of_the_run(run: Run, summary: Summary) -> list[Series]:
    return [
        Series(
            "verdict", "", "1 for the run's verdict, 0 for the others", tuple(_states({}, summary.verdict))
        ),
        Series("run_started_timestamp", "seconds", "When it began", (Point({}, run.started_unix),)),
        _series("run_ended_timestamp", "seconds", "When it ended", [({}, run.ended_unix)]),
        Series("ring_timeout", "seconds", "How long callers let it ring", (Point({}, summary.tau_s),)),
    ]


def _of_the_arms(summary: Summary) -> Iterator[Series]:
    read: list[tuple[Labels, ArmSummary]] = [
        ({"arm": arm, "profile": profile}, figures)
        for profile, arms in (
            (ALL, summary.arms),
            *((label, profile.arms) for label, profile in _apart(summary).items()),
        )
        for arm, figures in arms.items()
    ]
    for name, text in _COUNTS.items():
        yield _series(
            name, "", text, [(labels, getattr(arm, name.removesuffix("_calls"))) for labels, arm in read]
        )
    yield _counted("outcome", "Calls that came to it", [(labels, arm.outcomes) for labels, arm in read])
    yield _counted("cause", "Calls that it made slow or lost", [(labels, arm.causes) for labels, arm in read])
    counts: list[Known] = []
    for figure in _FIGURES:
        of_heard = figure.path.startswith("heard.")
        found = [
            (labels, _estimates(attrgetter(figure.path)(arm)))
            for labels, arm in read
            if arm.heard is not None or not of_heard
        ]
        points = [
            point
            for labels, estimates in found
            for more, estimate in estimates
            for point in _between({**labels, **more}, estimate, figure.scale)
        ]
        yield _series(figure.name, figure.unit, figure.text, points)
        counts += [
            ({**labels, "figure": figure.name}, max(estimate.n for _, estimate in estimates))
            for labels, estimates in found
        ]
    yield _series("figure_calls", "", "Calls that a figure is of", counts)


def _counted(label: str, text: str, counts: Sequence[tuple[Labels, Mapping[str, int]]]) -> Series:
    points = [({**labels, label: name}, n) for labels, found in counts for name, n in found.items()]
    return _series(f"{label}_calls", "", text, points)


def _estimates(value: Estimate | Percentiles | LowPercentiles) -> list[tuple[Labels, Estimate]]:
    if isinstance(value, Estimate):
        return [({}, value)]
    return [({"percentile": name}, getattr(value, name)) for name in _PERCENTILES if hasattr(value, name)]


def _between(labels: Labels, estimate: Estimate, scale: float) -> list[Known]:
    bounds = {"estimate": estimate.value, "low": estimate.low, "high": estimate.high}
    return [
        ({**labels, "bound": bound}, None if value is None else scale * value)
        for bound, value in bounds.items()
    ]


def _of_the_gates(summary: Summary) -> list[Series]:
    judged = [(_gate_labels(gate, ALL), gate) for gate in summary.gates]
    judged += [
        (_gate_labels(gate, label), gate)
        for label, profile in _apart(summary).items()
        for gate in profile.gates
    ]
    unit = "in the unit that the gate's name ends with"
    return [
        Series(
            "gate_verdict",
            "",
            "1 for the gate's verdict, 0 for the others",
            tuple(point for labels, gate in judged for point in _states(labels, gate.verdict)),
        ),
        _series("gate_limit", "", f"What is allowed, {unit}", [(ls, gate.limit) for ls, gate in judged]),
        _series("gate_value", "", f"What was measured, {unit}", [(ls, gate.value) for ls, gate in judged]),
        _series(
            "gate_bound",
            "",
            f"The one-sided 95 % bound that decided or could not, {unit}",
            [(labels, gate.bound) for labels, gate in judged],
        ),
        _series("gate_calls", "", "Calls that the gate judged", [(ls, gate.n) for ls, gate in judged]),
    ]


def _apart(summary: Summary) -> Mapping[str, Profile]:
    """The networks, where there was more than one."""
    return summary.profiles if len(summary.profiles) > 1 else {}


def _gate_labels(gate: Gate, profile: str) -> Labels:
    return {"gate": str(gate.name), "arm": gate.arm, "profile": profile}


def _of_the_checks(summary: Summary) -> list[Series]:
    checks = [({"check": check.name}, check) for check in summary.validity]
    return [
        _series(
            "check_ok", "", "1 where the tester kept it", [(ls, float(check.ok)) for ls, check in checks]
        ),
        _series("check_value", "", "What the tester came to", [(ls, check.value) for ls, check in checks]),
        _series("check_limit", "", "What it may come to", [(ls, check.limit) for ls, check in checks]),
    ]


def _of_the_comparisons(summary: Summary) -> list[Series]:
    mean_ring: list[Known] = []
    not_answered: list[Known] = []
    for pair in summary.comparisons:
        arms = {"reference": pair.reference, "candidate": pair.candidate}
        for bound, part in {"estimate": "value", "low": "low", "high": "high"}.items():
            labels = {**arms, "bound": bound}
            mean_ring.append((labels, getattr(pair.delta_rmst_s, part)))
            not_answered.append((labels, getattr(pair.delta_not_answered, part)))
    less = "candidate minus reference, negative is better"
    return [
        _series("mean_ring_difference", "seconds", f"Mean ring, {less}", mean_ring),
        _series("not_answered_difference", "ratio", f"Share not answered, {less}", not_answered),
    ]


def _of_the_knees(capacity: Capacity) -> list[Series]:
    """The load that callers do not notice and the one that they do, in the name's unit."""
    load = _LOADS[capacity.axis]
    knees = [({"arm": knee.arm, "profile": knee.profile}, knee) for knee in capacity.knees]
    bounds = [
        ({**labels, "bound": bound}, known)
        for labels, knee in knees
        for bound, known in {"low": knee.low, "high": knee.high}.items()
    ]
    held = [(labels, knee.confirmed) for labels, knee in knees]
    return [
        _series(
            f"knee_{load}", "", "The highest load that passed (low), the lowest that failed (high)", bounds
        ),
        _series(f"confirmed_{load}", "", "The load held with every gate kept", held),
    ]


def _states(labels: Labels, verdict: Verdict) -> Iterator[Point]:
    return (Point({**labels, "verdict": str(each)}, float(each is verdict)) for each in Verdict)


def _series(name: str, unit: str, text: str, points: Sequence[Known]) -> Series:
    known = tuple(Point(labels, float(value)) for labels, value in points if value is not None)
    return Series(name, unit, text, known)
