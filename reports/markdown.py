"""summary.md: the report's first screen, for a pull request."""

from collections.abc import Iterable

from analysis.intervals import Estimate
from analysis.knee import beside_each_other, named
from analysis.proof import place
from analysis.run import Run
from analysis.summary import Summary
from analysis.verdict import comparison_sentence, reading
from analysis.wording import NOTHING, estimate, interval, number, percent
from reports import regression
from reports.advice import what_to_do


def markdown(run: Run, summary: Summary) -> str:
    """The verdict, what to do, the arms, their comparison, the networks, gates and warnings."""
    parts = [
        f"## {summary.verdict.replace('_', ' ').capitalize()}",
        summary.sentence,
        *_list("What to do", what_to_do(run, summary)),
        *_capacity(summary),
        _arms(summary),
        *_comparisons(summary),
        *([" ".join(told)] if (told := regression.told(summary)) else []),
        *_heard(summary),
        *_networks(summary),
        _gates(summary),
        *_list("Warnings", summary.warnings),
        *_list(
            "Not valid because",
            [
                f"{check.name}: {number(check.value)} (limit {number(check.limit)}). {check.remedy}"
                for check in summary.validity
                if not check.ok
            ],
        ),
        _footer(summary),
    ]
    return "\n\n".join(parts) + "\n"


def _capacity(summary: Summary) -> list[str]:
    """A row a knee; then how the arms and runs stand beside each other, bursts, and what was left behind."""
    capacity = summary.capacity
    if capacity is None:
        return []
    columns = ("arm", "network", f"carries, {capacity.unit}", "what binds", "held at", "gates in the hold")
    rows = [f"| {' | '.join(columns)} | cold burst in time |", "|---|---|--:|---|--:|---|--:|"]
    for knee in capacity.knees:
        binds = ", ".join(named(each) for each in knee.binds) or NOTHING
        cells = [knee.arm, knee.profile, knee.interval, binds, number(knee.held), knee.gates_said]
        rows.append(f"| {' | '.join(cells)} | {number(capacity.burst_in_time(knee))} |")
    return [
        "\n".join(rows),
        *_list("Beside each other", beside_each_other(capacity.knees, capacity.unit)),
    ]


def _footer(summary: Summary) -> str:
    return (
        f"Runs: {', '.join(summary.run_ids)} · trunk: {summary.trunk} · "
        f"ring timeout {number(summary.tau_s)} s. "
        "Intervals are two-sided 95 %, bounds of gates one-sided 95 %. "
        "Not answered: every attempt without a 200 within the ring timeout."
    )


def _arms(summary: Summary) -> str:
    rows = [
        "| arm | calls | not answered | ring-to-answer p50, s | p95, s | mean ring within τ, s |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, arm in summary.arms.items():
        missed = arm.not_answered_share
        ring = arm.ring_to_answer_s
        cells = [
            name,
            str(arm.calls),
            _share(arm.not_answered, missed),
            estimate(ring.p50),
            estimate(ring.p95),
            _with_interval(number(arm.rmst_s.value), interval(arm.rmst_s)),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _share(hits: int, found: Estimate) -> str:
    if found.value is None:
        return NOTHING
    return _with_interval(f"{hits} = {percent(found.value)}", interval(found, scale=100))


def _with_interval(text: str, between: str) -> str:
    return f"{text} ({between})" if between else text


def _comparisons(summary: Summary) -> list[str]:
    return [comparison_sentence(comparison, summary.tau_s) for comparison in summary.comparisons]


def _heard(summary: Summary) -> list[str]:
    """A row an arm whose calls were listened to."""
    heard = {name: arm.heard for name, arm in summary.arms.items() if arm.heard is not None}
    if not heard:
        return []
    columns = ("arm", "listened to", "response p50, s", "p95, s", "a phrase had no answer", "went silent")
    rows = [f"| {' | '.join(columns)} | one-way audio | talk-over p95 |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for name, each in heard.items():
        cells = [
            name,
            str(each.calls),
            estimate(each.response_s.p50),
            estimate(each.response_s.p95),
            percent(each.unanswered_share.value),
            percent(each.went_silent_share.value),
            percent(each.one_way_share.value),
            percent(each.talk_over_share.p95.value),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return ["\n".join(rows)]


def _networks(summary: Summary) -> list[str]:
    """A row a network and arm, and whether the dose was the one that was asked for."""
    if summary.network is None and len(summary.profiles) < 2:
        return []
    columns = (
        *("network", "arm", "calls", "not answered", "ring-to-answer p50, s", "p95, s"),
        *(
            "wait to audio p50, s",
            "p95, s",
            "SIP sent again a call",
            "RTP lost p95",
            "jitter p95, ms",
            "MOS p5",
        ),
    )
    rows = [f"| {' | '.join(columns)} |", f"|---|---|{'--:|' * (len(columns) - 2)}"]
    for label, profile in summary.profiles.items():
        for name, arm in profile.arms.items():
            again, lost = arm.sip_retransmissions.per_call, arm.rtp.loss_share.p95
            cells = [
                label,
                name,
                str(arm.calls),
                _share(arm.not_answered, arm.not_answered_share),
                estimate(arm.ring_to_answer_s.p50),
                estimate(arm.ring_to_answer_s.p95),
                estimate(arm.wait_s.p50),
                estimate(arm.wait_s.p95),
                number(again.value),
                percent(lost.value),
                estimate(arm.rtp.jitter_ms.p95),
                estimate(arm.rtp.mos.p5),
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return ["\n".join(rows), *_dose(summary)]


def _dose(summary: Summary) -> list[str]:
    if summary.network is None:
        return []
    delivered = summary.network.delivered
    wanting = [place(each) for each in delivered if not each.as_asked]
    said = (
        f"not as asked: {'; '.join(wanting)}"
        if wanting
        else f"as asked in all {len(delivered)} directions of legs and profiles"
        if delivered
        else "not known"
    )
    return [f"Dose delivered by {summary.network.executor}: {said}."]


def _gates(summary: Summary) -> str:
    rows = ["| gate | verdict | reading |", "|---|---|---|"]
    rows += [f"| {gate.title} | {gate.verdict} | {reading(gate)} |" for gate in summary.gates]
    return "\n".join(rows)


def _list(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"* {item}" for item in items]
    return [f"**{title}**\n\n" + "\n".join(lines)] if lines else []
