"""metrics.prom as Prometheus's own parser reads it."""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from analysis.gates import Verdict
from analysis.summary import Summary
from reports.handover import read_runs
from reports.prometheus import exposition
from reports.series import identity, series

WriteRun = Callable[..., Path]
Numbers = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def _read(folder: Path) -> tuple[str, Numbers, Summary]:
    read = read_runs([folder])
    text = exposition(identity(read.run, read.summary), series(read.run, read.summary))
    numbers = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return text, numbers, read.summary


def _of(numbers: Numbers, name: str, **labels: str) -> float | None:
    return numbers.get((f"ringtime_{name}", frozenset(labels.items())))


@pytest.fixture(scope="module")
def found(shared_run: WriteRun) -> tuple[str, Numbers, Summary]:
    """A run under two networks in which unbounded's slowest callers were never answered."""
    return _read(shared_run(networks=("clean", "wifi-congested"), calls=40))


def test_every_line_is_a_gauge_of_ours_and_is_there_once(found: tuple[str, Numbers, Summary]) -> None:
    """The textfile collector and a Pushgateway refuse two samples with the same labels, and time stamps."""
    text, numbers, _ = found
    samples = [line for line in text.splitlines() if not line.startswith("#")]

    assert len(samples) == len(numbers)
    assert {line.split()[-1] for line in text.splitlines() if line.startswith("# TYPE")} == {"gauge"}
    assert all(re.fullmatch(r"ringtime_\w+({.*})? [-+.e\d]+", line) for line in samples)
    assert text.endswith("\n")


def test_a_figure_stands_between_its_bounds_in_base_units(found: tuple[str, Numbers, Summary]) -> None:
    """Seconds, and shares of 0 to 1, of each arm over all networks, with the calls that they are of."""
    _, numbers, summary = found
    arm = summary.arms["bounded"]
    labels = {"arm": "bounded", "profile": "all"}

    for bound, value in (
        ("estimate", arm.ring_to_answer_s.p50.value),
        ("low", arm.ring_to_answer_s.p50.low),
        ("high", arm.ring_to_answer_s.p50.high),
    ):
        assert _of(numbers, "ring_to_answer_seconds", **labels, percentile="p50", bound=bound) == value
    jitter = _of(numbers, "rtp_jitter_seconds", **labels, percentile="p50", bound="estimate")
    assert jitter == pytest.approx((arm.rtp.jitter_ms.p50.value or math.nan) / 1000)
    assert _of(numbers, "not_answered_ratio", **labels, bound="high") == arm.not_answered_share.high
    assert _of(numbers, "figure_calls", **labels, figure="ring_to_answer") == arm.ring_to_answer_s.p50.n


def test_a_percentile_beyond_the_ring_timeout_has_a_lower_bound_alone(
    found: tuple[str, Numbers, Summary],
) -> None:
    """That it lies beyond τ is known, and nothing else is."""
    _, numbers, summary = found
    labels = {"arm": "unbounded", "profile": "all", "percentile": "p95"}

    assert _of(numbers, "ring_to_answer_seconds", **labels, bound="low") == summary.tau_s
    assert _of(numbers, "ring_to_answer_seconds", **labels, bound="estimate") is None
    assert not any(math.isinf(value) or math.isnan(value) for value in numbers.values())


def test_each_network_stands_beside_all_of_them(found: tuple[str, Numbers, Summary]) -> None:
    """Figures and gates, by the label `profile`."""
    _, numbers, summary = found

    for label, profile in summary.profiles.items():
        assert _of(numbers, "calls", arm="bounded", profile=label) == profile.arms["bounded"].calls
        judged = {
            dict(labels)["gate"]
            for name, labels in numbers
            if name == "ringtime_gate_limit" and ("profile", label) in labels
        }
        assert judged == {str(gate.name) for gate in profile.gates}


def test_one_verdict_of_four_holds_for_the_run_and_for_each_gate(found: tuple[str, Numbers, Summary]) -> None:
    """A stateset: an alert asks for `verdict="failed"` to be 1."""
    _, numbers, summary = found

    assert {each: _of(numbers, "verdict", verdict=each) for each in Verdict} == {
        each: float(each is summary.verdict) for each in Verdict
    }
    for gate in summary.gates:
        labels = {"gate": str(gate.name), "arm": gate.arm, "profile": "all"}
        assert _of(numbers, "gate_verdict", **labels, verdict=gate.verdict) == 1
        assert sum(_of(numbers, "gate_verdict", **labels, verdict=each) or 0 for each in Verdict) == 1
        assert _of(numbers, "gate_value", **labels) == gate.value
        assert _of(numbers, "gate_bound", **labels) == gate.bound


def test_checks_and_the_comparison_are_there_too(found: tuple[str, Numbers, Summary]) -> None:
    """What the tester came to, and how far the candidate is from the reference."""
    _, numbers, summary = found
    (pair,) = summary.comparisons

    for check in summary.validity:
        assert _of(numbers, "check_ok", check=check.name) == float(check.ok)
        assert _of(numbers, "check_value", check=check.name) == check.value
    labels = {"reference": pair.reference, "candidate": pair.candidate, "bound": "estimate"}
    assert _of(numbers, "mean_ring_difference_seconds", **labels) == pair.delta_rmst_s.value


def test_the_run_names_itself_and_what_it_measured(found: tuple[str, Numbers, Summary]) -> None:
    """One line with the number 1, to be joined on."""
    _, numbers, summary = found
    (labels,) = [dict(labels) for name, labels in numbers if name == "ringtime_run_info"]

    assert labels["run_id"] == ",".join(summary.run_ids)
    assert labels["livekit_agents"] == "1.8.9"
    assert labels["candidate"] == "bounded"


def test_a_run_without_a_call_has_a_verdict_and_no_figures(write_run: WriteRun) -> None:
    """Nothing is known, so nothing is given."""
    _, numbers, _ = _read(write_run(calls=0, warm_up=0))

    assert _of(numbers, "verdict", verdict="not_valid") == 1
    assert not any(
        name.endswith(("_seconds", "_ratio")) and "bound" in dict(labels) for name, labels in numbers
    )


@pytest.mark.parametrize(("axis", "unit"), [("rate", "calls_per_second"), ("concurrent", "concurrent_calls")])
def test_a_search_gives_the_loads_between_which_callers_notice(
    write_capacity_run: WriteRun, axis: str, unit: str
) -> None:
    """The highest that passed, the lowest that failed, and the one that was held with every gate kept."""
    start = 2.0 if axis == "concurrent" else 0.5
    _, numbers, summary = _read(write_capacity_run(axis=axis, start=start, ceiling=16 * start))
    assert summary.capacity is not None
    (knee,) = summary.capacity.knees
    labels = {"arm": knee.arm, "profile": knee.profile}

    assert knee.low is not None
    assert _of(numbers, f"knee_{unit}", **labels, bound="low") == knee.low
    assert _of(numbers, f"knee_{unit}", **labels, bound="high") == knee.high
    assert _of(numbers, f"confirmed_{unit}", **labels) == knee.confirmed


def test_a_knee_that_was_not_reached_has_no_upper_bound(write_capacity_run: WriteRun) -> None:
    """What is not known has no sample."""
    _, numbers, _ = _read(write_capacity_run(start=0.5, ceiling=0.5))
    labels = {"arm": "bounded", "profile": "clean"}

    assert _of(numbers, "knee_calls_per_second", **labels, bound="low") == 0.5
    assert _of(numbers, "knee_calls_per_second", **labels, bound="high") is None
