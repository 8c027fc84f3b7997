"""What a reader must know before believing a run's numbers, each with what to do about it."""

import math
from collections.abc import Sequence

from analysis.clocks import Clocks
from analysis.compare import FEWEST_BLOCKS, Comparison
from analysis.delivery import Delivered
from analysis.emodel import is_known
from analysis.gates import Gate, Verdict
from analysis.prediction import Prediction
from analysis.run import Run
from analysis.wording import count, number

# Two clocks on one machine that both saw a message should agree to within a scheduler's delay.
CLOCKS_AGREE_S = 0.020
# A tenth of the default limit on agent connect latency, which is an estimate from outside.
ESTIMATE_HOLDS_S = 0.2
MASTER = "master"  # whose file holds the calls that were lost with workers


def caveats_of(
    run: Run,
    gates: Sequence[Gate],
    unmeasured: Sequence[str],
    comparisons: Sequence[Comparison],
    forecast: Sequence[Prediction],
    clocks: Clocks,
    delivered: Sequence[Delivered],
) -> list[str]:
    """Sentences, the gravest first; none of them makes a run invalid (those are `analysis.validity`)."""
    return [
        *_of_the_run(run),
        *_of_the_files(run),
        *_of_the_tester(run),
        *_of_the_size(gates, comparisons),
        *_of_the_switches(run),
        *_of_the_network(run, delivered),
        *_of_what_was_heard(run),
        *_of_the_forecast(forecast),
        *_of_the_clocks(run, clocks),
        *_of_what_was_not_measured(run, unmeasured),
    ]


def _of_the_run(run: Run) -> list[str]:
    said = []
    if run.state == "cut":
        reason = f" ({run.stop_reason})" if run.stop_reason else ""
        said.append(
            f"The run was cut before its plan's end{reason}: it holds fewer calls than were asked for."
        )
    elif run.state == "running":
        said.append("The run has not written its end: it is still going, or it was killed.")
    elif run.stop_reason:
        said.append(f"Dialling stopped before the plan's end: {run.stop_reason}.")
    interrupted = int((run.calls["interrupted"] & ~run.calls["warm_up"]).sum())
    if interrupted:
        said.append(
            f"{interrupted} calls were still ringing when the run ended and are left out: let the "
            f"run drain for τ."
        )
    return said


def _of_the_files(run: Run) -> list[str]:
    said = []
    with_master = any(file.worker == MASTER and not file.missing for file in run.files)
    for file in run.files:
        if file.missing:
            said.append(
                f"Worker {file.worker} left no records: it died before its first call, or its file was lost."
            )
        elif not file.closed:
            said.append(
                f"Worker {file.worker} did not close its file: it died, and calls it held are "
                f"{'recorded by the master as lost' if with_master else 'missing'}."
            )
        elif file.announced != file.records:
            said.append(
                f"Worker {file.worker} wrote {file.announced} records and {file.records} can be read."
            )
        if file.cut_lines:
            said.append(f"{file.cut_lines} lines of worker {file.worker} were cut and left out.")
    said += [
        f"{count(lines, 'line')} of {name} cannot be read and are left out."
        for name, lines in run.unreadable.items()
    ]
    if run.duplicates:
        said.append(f"{run.duplicates} records repeat a call id; the first of each is kept.")
    return said


def _of_the_tester(run: Run) -> list[str]:
    if not run.restarts:
        return []
    died = count(run.restarts, "worker")
    said = (
        f"The tester replaced {died} of its pool that died or froze; calls that they held are counted as the "
        "tester's failures. Read logs/worker-*.log in the run's folder."
    )
    return [said]


def _of_the_size(gates: Sequence[Gate], comparisons: Sequence[Comparison]) -> list[str]:
    short = [
        f"{gate.title} (n = {gate.n}, {gate.n_needed} needed)"
        for gate in gates
        if gate.verdict is Verdict.UNDECIDED and gate.n_needed is not None and gate.n < gate.n_needed
    ]
    said = [f"Too few calls to be decided even if all are clean: {', '.join(short)}."] if short else []
    said += [
        f"Only {comparison.blocks} blocks hold both {comparison.reference} and "
        f"{comparison.candidate}: fewer than "
        f"{FEWEST_BLOCKS} can show no difference, however large. Place more calls."
        for comparison in comparisons
        if comparison.blocks < FEWEST_BLOCKS
    ]
    return said


def _of_the_switches(run: Run) -> list[str]:
    switches = run.fault_switches
    if switches.empty:
        return []
    said = ", ".join(
        f"{arm} met {spec} from {number(unix - run.started_unix)} s on"
        for unix, arm, spec in switches.itertuples(index=False)
    )
    return [f"Faults were exchanged during the run ({said}): its figures are of more than one experiment."]


def _of_the_network(run: Run, delivered: Sequence[Delivered]) -> list[str]:
    said = []
    for dose in run.doses:
        if dose.executor is None:
            continue
        if dose.priority == "ordinary":
            said.append(
                "The network's executor had no real-time priority: its delays are as exact as the machine "
                "was idle. Run as root, or allow it (ulimit -r)."
            )
        if dose.unreadable:
            said.append(f"{count(dose.unreadable, 'line')} of network.jsonl cannot be read and are left out.")
        own = [each for each in delivered if each.run_id == dose.run_id]
        said += [
            f"The profile {name} changed nothing: {what}."
            for name in dose.profiles
            if (what := _without_effect([each for each in own if each.profile == name])) is not None
        ]
        if own and not any(each.probes for each in own):
            said.append("No probe went through the network, so the executor's word alone stands for it.")
    calls = run.counted()
    loss = calls["rtp_unplayed"]
    unknown = int((loss.notna() & ~is_known(loss, calls["rtp_burst_ratio"])).sum())
    if unknown:
        said.append(
            f"In {count(unknown, 'call')} 2 % or more of the voice was lost in bursts, which is beyond what "
            "the E-model was made for: take their MOS for an order."
        )
    return said


def _without_effect(delivered: Sequence[Delivered]) -> str | None:
    if not delivered:
        return "no packet met it while calls were up"
    delays = [each.asked_delay_ms for each in delivered]
    # An executor that does not know what it asked for has its delays looked at.
    slowed = any(each.delay_ms if ms is None else ms for each, ms in zip(delivered, delays, strict=True))
    if slowed or any(each.altered for each in delivered):
        return None
    return "its windows lie outside the run, or it is for other packets than came"


def _of_what_was_heard(run: Run) -> list[str]:
    calls = run.counted()
    heard = calls[calls["answered"] & calls["heard_phrases"].notna()]
    if heard.empty:
        return []
    said = []
    astray = int((heard["heard_strangers"] > 0).sum())
    if astray:
        said.append(
            f"In {count(astray, 'call')} packets came from elsewhere than the session description says and "
            "were not heard: something on the way, such as a NAT, gives them another address."
        )
    if not heard["heard_phrases"].any():
        said.append(
            "The caller's turn came in no call, so nothing is known of responses: hold calls for longer than "
            f"{number(run.plan.hold_s)} s, or see whether the agent ever falls quiet."
        )
    return said


def _of_the_forecast(forecast: Sequence[Prediction]) -> list[str]:
    return [
        f"In arm {entry.arm} the manufactured faults explain {entry.predicted_not_answered} "
        f"unanswered calls and "
        f"{entry.measured_not_answered} were measured: something else is at work. See the causes."
        for entry in forecast
        if entry.agrees is False
    ]


def _of_the_clocks(run: Run, clocks: Clocks) -> list[str]:
    said = []
    # A network between the two is meant to keep them apart.
    if clocks.trunk is not None and not run.emulated:
        measures = {
            "post-dial delay": clocks.trunk.post_dial_delay_s,
            "ring-to-answer": clocks.trunk.ring_to_answer_s,
        }
        said += [
            f"The caller's {name} and the trunk's are {number(1000 * abs(apart.value))} ms apart "
            f"at the median (n = {apart.n}): one of the two was kept from its core, or the way between them "
            f"is slow."
            for name, apart in measures.items()
            if apart.value is not None and abs(apart.value) > CLOCKS_AGREE_S
        ]
    for name, clock in clocks.agents.items():
        apart = clock.outside_minus_inside_s
        if apart.value is not None and abs(apart.value) > ESTIMATE_HOLDS_S:
            said.append(
                f"In arm {name} agent connect latency is {number(abs(apart.value))} s "
                f"{'more' if apart.value > 0 else 'less'} from outside than by the agents' own spans, at the "
                f"median (n = {apart.n}): signalling or publishing is slow, and the estimate does not hold."
            )
        if clock.held_confirmed < clock.held:
            said.append(
                f"In arm {name} {clock.held - clock.held_confirmed} of {clock.held} calls were put down to a "
                "late connect callback, but their agents' own spans say that it had come: look at what the "
                "agent does before it publishes."
            )
    return said


def _of_what_was_not_measured(run: Run, unmeasured: Sequence[str]) -> list[str]:
    said = []
    if not run.rooms_observed:
        said.append("Rooms were not observed, so no cause can be told: use --observe webhook or poll.")
    coarse = run.calls["room_error_s"]
    if (coarse > 0).any():
        said.append(
            "Rooms were asked for, not told of: the moments of a call in its room, and agent connect "
            f"latency, are known to ±{coarse.median():.2f} s (95 % of calls: ±{coarse.quantile(0.95):.2f} s)."
        )
    if run.livekit_clock is not None and math.isfinite(run.livekit_clock.error_s):
        clock = run.livekit_clock
        said.append(
            f"LiveKit's clock less the tester's is {clock.offset_s:+.3f} s, known to ±{clock.error_s:.3f} s "
            "from its own stamps, which tell when agents joined."
        )
    if unmeasured:
        said.append(f"Not measured in this run, so not judged: {', '.join(unmeasured)}.")
    lost = int(run.faults["room"].isna().sum())
    if lost:
        said.append(f"{lost} mistreated set-ups named no room and are counted to no call.")
    return said
