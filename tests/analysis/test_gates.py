"""Gates at, below and above their limits, and the sizes they need."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.errors import UnknownGateError
from analysis.gate_name import read
from analysis.gates import DEFAULTS, Verdict, gates_of, judge
from analysis.metric import Bounds
from analysis.run import Run


def _calls(n: int, missed: int, ring_s: float = 0.5) -> pd.DataFrame:
    answered = np.arange(n) >= missed
    return pd.DataFrame(
        {"arm": "a", "answered": answered, "ring_to_answer_s": np.where(answered, ring_s, np.inf)}
    )


def _verdict(calls: pd.DataFrame, name: str, limit: float) -> Verdict:
    return judge(calls, "a", {name: limit}, tau_s=15.0)[0][0].verdict


@pytest.mark.parametrize(
    ("n", "missed", "verdict"),
    [
        (149, 0, Verdict.PASSED),
        (148, 0, Verdict.UNDECIDED),
        (149, 1, Verdict.UNDECIDED),
        (149, 30, Verdict.FAILED),
        (1, 0, Verdict.UNDECIDED),
        (1, 1, Verdict.FAILED),
    ],
)
def test_not_answered_is_decided_by_its_exact_bound(n: int, missed: int, verdict: Verdict) -> None:
    """At 2 % allowed 149 clean calls pass, 148 do not decide, and one lost of one is beyond chance."""
    assert _verdict(_calls(n, missed), "not_answered", 0.02) == verdict


@pytest.mark.parametrize(
    ("n", "missed", "ring_s", "verdict"),
    [(59, 0, 0.5, Verdict.PASSED), (58, 0, 0.5, Verdict.UNDECIDED), (59, 0, 4.0, Verdict.FAILED)],
)
def test_a_percentile_is_decided_by_its_order_statistics(
    n: int, missed: int, ring_s: float, verdict: Verdict
) -> None:
    """59 calls can pass a p95, 58 cannot; and slow ones fail it."""
    assert _verdict(_calls(n, missed, ring_s), "ring_to_answer_p95_s", 3.0) == verdict


def test_a_percentile_beyond_the_timeout_fails_without_a_value() -> None:
    """With a third unanswered the p95 is infinite: failed, value and bound null."""
    gate = judge(_calls(60, 20), "a", {"ring_to_answer_p95_s": 3.0}, tau_s=15.0)[0][0]
    assert (gate.verdict, gate.value, gate.bound) == (Verdict.FAILED, None, None)


def test_the_mean_ring_is_bounded_by_what_a_few_calls_cannot_exclude() -> None:
    """Ten fast calls do not show a mean ring below 3 s where a stall costs 15; sixty do."""
    assert _verdict(_calls(10, 0), "rmst_s", 3.0) == Verdict.UNDECIDED
    assert _verdict(_calls(60, 0), "rmst_s", 3.0) == Verdict.PASSED
    assert _verdict(_calls(60, 40), "rmst_s", 3.0) == Verdict.FAILED


def test_a_lower_limit_is_judged_from_the_other_side() -> None:
    """MOS p5 passes when its lower bound reaches the limit and fails when its upper bound does not."""
    calls = _calls(80, 0)
    assert _verdict(calls.assign(rtp_mos=4.2), "mos_p5", 3.6) == Verdict.PASSED
    assert _verdict(calls.assign(rtp_mos=2.1), "mos_p5", 3.6) == Verdict.FAILED


def test_the_default_table_is_that_of_the_documentation(make_run: Callable[..., Run]) -> None:
    """Without gates asked for, all are judged at their defaults but those that were not measured."""
    run = make_run(media=False, observed=False)
    gates, unmeasured = judge(run.counted(), "bounded", run.limits, tau_s=run.tau_s)
    assert [gate.name for gate in gates] == [
        "not_answered", "ring_to_answer_p95_s", "rmst_s", "post_dial_delay_p95_s",
    ]  # fmt: skip
    assert len(gates) + len(unmeasured) == len(DEFAULTS)


def test_a_gate_asked_for_and_not_measured_stays_undecided() -> None:
    """Asking for what the run did not look at never passes."""
    calls = _calls(80, 0).assign(greeting_s=np.nan)
    assert _verdict(calls, "greeting_p95_s", 1.5) == Verdict.UNDECIDED


def test_gate_names_are_read_as_people_write_them() -> None:
    """Spaces and hyphens stand for underscores; what does not exist is refused with the names there are."""
    assert gates_of({"not answered": 0.1}) == gates_of({"not-answered": 0.1}) == {read("not_answered"): 0.1}
    with pytest.raises(UnknownGateError, match=r"no gate named 'speed'; there are not_answered,"):
        gates_of({"speed": 1.0})


def test_a_gate_may_name_an_arm_of_its_own(make_run: Callable[..., Run]) -> None:
    """The reference loses nine of thirty, the candidate none."""
    run = make_run(gates={"not_answered": 0.2, "unbounded:not_answered": 0.2})
    gates, _ = judge(run.counted(), "bounded", run.limits, tau_s=run.tau_s)

    assert [(gate.arm, gate.value, gate.verdict) for gate in gates] == [
        ("bounded", 0.0, Verdict.PASSED),
        ("unbounded", 0.3, Verdict.UNDECIDED),
    ]
    assert [gate.title for gate in gates] == ["not answered", "not answered of unbounded"]


def test_where_runs_stand_side_by_side_an_arm_is_the_candidate_s_own_run_s() -> None:
    """An earlier run's arm of that name is another."""
    calls = pd.concat([_calls(60, 0).assign(arm="old@1"), _calls(60, 60).assign(arm="old@2")])
    (gate,), _ = judge(calls, "new@2", {"old:not_answered": 0.1}, tau_s=15.0)

    assert (gate.arm, gate.value) == ("old@2", 1.0)


def test_under_one_network_only_what_its_calls_can_show_is_judged(make_run: Callable[..., Run]) -> None:
    """Neither another network's gate nor a figure that is not of calls."""
    limits = {"not_answered": 0.1, "mos_p5@clean": 3.6, "mos_p5@wifi-congested": 3.6, "capacity": 2.0}
    run = make_run(networks=("clean", "wifi-congested"), stalled_share=0.0, gates=limits)
    gates, _ = judge(run.counted(), "bounded", limits, tau_s=run.tau_s, profile="wifi-congested")

    assert [(gate.name, gate.n) for gate in gates] == [("not_answered", 13), ("mos_p5@wifi-congested", 13)]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (2.0, 2.4, Verdict.PASSED),
        (1.6, 2.4, Verdict.UNDECIDED),
        (1.0, 1.2, Verdict.FAILED),
        (2.0, np.inf, Verdict.PASSED),
    ],
)
def test_a_figure_that_is_known_from_elsewhere_is_judged_like_any(
    low: float, high: float, verdict: Verdict
) -> None:
    """A search carries from the load that passed to the one that failed; the defaults stand beside it."""
    gates, _ = judge(
        _calls(60, 0).assign(post_dial_delay_s=0.1, rtp_mos=np.nan, rtp_loss=np.nan, rtp_jitter_ms=np.nan,
        greeting_s=np.nan, agent_connect_s=np.nan, agent_connect_at_least_s=np.nan, room_error_s=0.0),
        "a", {"capacity": 2.0}, tau_s=15.0, known={"capacity": Bounds(low, low, high, 300)},
    )  # fmt: skip

    assert [gate.name for gate in gates] == [
        "not_answered", "ring_to_answer_p95_s", "rmst_s", "post_dial_delay_p95_s", "capacity",
    ]  # fmt: skip
    assert (gates[-1].verdict, gates[-1].value, gates[-1].n) == (verdict, low, 300)
