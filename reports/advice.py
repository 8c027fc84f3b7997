"""The first screen in words: why the verdict is what it is, how sure it is, and what to do next."""

from analysis.arms import ArmSummary
from analysis.causes import Cause
from analysis.gates import Gate, Verdict
from analysis.hearing import Missing
from analysis.run import Run
from analysis.summary import Summary
from analysis.verdict import comparison_sentence, gates_apart, networks_apart
from analysis.wording import count, interval, listed, number, percent
from reports import capacity_advice, regression

REMEDIES = {
    Cause.NO_DISPATCH_RULE: "Some calls got no room: check that the number has a trunk and a dispatch rule.",
    Cause.ROOM_JOIN_LATE: "The trunk was slow to bring callers into their rooms: look at its CPU.",
    Cause.NO_WORKER: "No agent of that name took a job: start its worker, and wait until it is registered.",
    Cause.JOB_NOT_STARTED: "Jobs were slow to start: keep more idle processes, or more workers.",
    Cause.AGENT_NOT_ACTIVE: "The agent joined and was not active in time: look at its connection.",
    Cause.CONNECT_CALLBACK_LATE: (
        "The agent was in the room but its connect callback came late or never, as when an audio filter "
        "hangs while it is set up: give that set-up a deadline (ringtime_filters), "
        "or use a plugin that sets up in the background."
    ),
    Cause.AGENT_DID_NOT_PUBLISH: (
        "The agent was given the job and left, or never came, before it published audio: "
        "read its log for a crash."
    ),
    Cause.NOT_ANSWERED_THOUGH_PUBLISHED: "The agent published and nobody answered: look at the trunk.",
}

OF_THE_SOUND = {
    Missing.NO_PACKET: "Answered calls got no packet: look at the trunk's media ports and at firewalls.",
    Missing.NO_SOUND: "Answered calls got silence: read the agent's log for a voice that was not made.",
    Missing.WENT_SILENT: (
        "Agents went silent in mid-call while the server kept the call up: read their log and their memory "
        "for a crash or a turn that never ended."
    ),
    Missing.NO_ANSWER: "Phrases had no answer within ten seconds: look at what each turn waits for.",
}


def why(run: Run, summary: Summary) -> list[str]:
    """What the verdict stands on."""
    if summary.verdict is Verdict.NOT_VALID:
        return [
            f"{check.name}: {number(check.value)}, limit {number(check.limit)}."
            for check in summary.validity
            if not check.ok
        ]
    if summary.capacity is not None:
        return capacity_advice.why(run, summary.capacity)
    return [
        *(f"{name}: {_callers(arm, run.tau_s)}" for name, arm in summary.arms.items() if arm.calls),
        *networks_apart(_gates_by_network(summary)),
    ]


def how_sure(run: Run, summary: Summary) -> list[str]:
    """What the numbers can and cannot bear."""
    if summary.verdict is Verdict.NOT_VALID:
        return ["The tester fell short, so the figures below describe the tester as much as the system."]
    if summary.capacity is not None:
        return [*capacity_advice.how_sure(run, summary.capacity), *regression.told(summary)]
    said = [comparison_sentence(comparison, run.tau_s) for comparison in summary.comparisons]
    for entry in summary.prediction:
        if entry.agrees is None:
            continue
        word = "as predicted" if entry.agrees else "which does not fit"
        said.append(
            f"{entry.arm}: the mistreated set-ups foretell {entry.predicted_not_answered} unanswered calls, "
            f"{entry.measured_not_answered} were measured, {word}."
        )
    said += regression.told(summary)
    if run.cut:
        said.append("The run was cut before its plan's end.")
    return said


def what_to_do(run: Run, summary: Summary) -> list[str]:
    """The next step."""
    candidate = run.candidate
    if summary.capacity is not None and summary.verdict is not Verdict.NOT_VALID:
        return capacity_advice.what_to_do(run, summary.verdict, summary.capacity)
    match summary.verdict:
        case Verdict.NOT_VALID:
            return list(dict.fromkeys(check.remedy for check in summary.validity if not check.ok))
        case Verdict.FAILED:
            return [
                f"Hold {candidate} back.",
                *_remedies(summary.arms[candidate]),
                *_of_the_sound(summary.arms[candidate]),
                *_of_the_network(summary),
            ]
        case Verdict.UNDECIDED:
            return [
                f"Do not release {candidate} on this run alone.",
                *_more_calls(run, summary.gates),
                *_of_the_sound(summary.arms[candidate]),
                *_of_the_network(summary),
            ]
        case _:
            sound = _of_the_sound(summary.arms[candidate])
            said = [f"Release {candidate}.", *sound, *_of_the_network(summary)]
            reference = run.arms[0].name
            if reference != candidate and summary.arms[reference].not_answered:
                said += [f"In {reference}: {remedy}" for remedy in _remedies(summary.arms[reference])[:1]]
            return said


def _gates_by_network(summary: Summary) -> dict[str, tuple[Gate, ...]]:
    return {label: profile.gates for label, profile in summary.profiles.items()}


def _of_the_network(summary: Summary) -> list[str]:
    """What follows where some networks break gates that others keep."""
    apart = gates_apart(_gates_by_network(summary)).values()
    broken = dict.fromkeys(label for found in apart for label in found[Verdict.FAILED])
    if not broken:
        return []
    callers = f"Decide whether callers under {listed(list(broken))} are to be served as well as the others"
    return [f"{callers}: what they met and how they fared stands under “What did the network do”."]


def _callers(arm: ArmSummary, tau_s: float) -> str:
    n = arm.not_answered_share.n
    ring = arm.ring_to_answer_s.p50
    median = f"; half were answered within {number(ring.value)} s" if ring.value is not None else ""
    causes = [f"{cause} ({hits})" for cause, hits in arm.causes.items()]
    told = f". Slow or lost to: {', '.join(causes)}" if causes else ""
    sure = f"95 % interval {interval(arm.not_answered_share, scale=100)} %"
    return (
        f"{arm.not_answered} of {count(n, 'call')} not answered within {number(tau_s)} s "
        f"({percent(arm.not_answered_share.value)}, {sure}){median}{told}.{_heard(arm)}"
    )


def _heard(arm: ArmSummary) -> str:
    if arm.heard is None or not arm.heard.missing:
        return ""
    wrong = [f"{what} ({hits})" for what, hits in arm.heard.missing.items()]
    return f" Of {count(arm.heard.calls, 'answered call')}, by their sound: {', '.join(wrong)}."


def _of_the_sound(arm: ArmSummary) -> list[str]:
    return [] if arm.heard is None else [OF_THE_SOUND[Missing(what)] for what in arm.heard.missing]


def _remedies(arm: ArmSummary) -> list[str]:
    return [REMEDIES[Cause(cause)] for cause in arm.causes]


def _more_calls(run: Run, gates: tuple[Gate, ...]) -> list[str]:
    short = [gate for gate in gates if gate.n_needed is not None and gate.n < gate.n_needed]
    if not short:
        return ["Repeat the run with two or three times the calls: the gates lie close to what was measured."]
    # Each network has but its share of the calls.
    needed = max((gate.n_needed or 0) * (len(run.labels) if gate.read.profile else 1) for gate in short)
    names = ", ".join(gate.title for gate in short)
    total = needed * len(run.arms)
    return [f"Run again with --calls {total} ({needed} an arm) or more: {names} cannot be decided by fewer."]
