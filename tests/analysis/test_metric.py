"""Metrics as the calls show them: who counts as never, and who not at all."""

from collections.abc import Callable

import numpy as np
import pytest

from analysis.gate_name import read
from analysis.metric import METRICS, Kind
from analysis.run import Run


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    """40 calls of one arm; three of ten set-ups hang until the caller leaves."""
    return make_run(calls=40, arms=(("a", "unbounded"),), heard={})


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.measure is not None])
def test_every_metric_of_calls_has_a_figure(run: Run, name: str) -> None:
    """Of the calls that it is about, between its bounds."""
    percent = "_p50" if METRICS[name].kind is Kind.PERCENTILE else ""
    found = read(f"{name}{percent}").measure(run.counted(), run.tau_s)

    assert found is not None
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(
    ("name", "n", "endless"),
    [
        ("ring_to_answer", 40, True),
        ("setup", 40, True),
        ("wait", 40, True),
        ("greeting", 28, False),
        ("post_dial_delay", 40, False),
        ("dispatch", 40, False),
        ("session_disconnect", 28, False),
        ("mos", 28, False),
    ],
)
def test_calls_that_nobody_answered_wait_for_ever(run: Run, name: str, n: int, *, endless: bool) -> None:
    """They have a post-dial delay and a dispatch, no greeting, no BYE and no voice."""
    found = read(f"{name}_p99").measure(run.counted(), run.tau_s)

    assert found is not None
    assert (found.n, np.isinf(found.value)) == (n, endless)


def test_an_arm_that_no_agent_came_to_has_no_end_of_dispatch(run: Run) -> None:
    """Nor has a BYE that nothing answered."""
    calls = run.counted().assign(agent_joined_unix=np.nan, dispatch_s=np.nan, bye_answered_s=np.nan)
    dispatch, disconnect = (
        read(f"{name}_p50_s").measure(calls, run.tau_s) for name in ("dispatch", "session_disconnect")
    )

    assert dispatch is not None
    assert disconnect is not None
    assert np.isinf(dispatch.value)
    assert np.isinf(disconnect.value)


def test_silent_is_a_share_of_the_answered_calls(run: Run) -> None:
    """Those whose media were not measured are neither."""
    calls = run.counted()
    answered = calls.index[calls["answered"]]
    calls = calls.assign(silent=calls["silent"].where(calls.index != answered[0], True))
    calls.loc[answered[1], "silent"] = None
    found = read("silent").measure(calls, run.tau_s)

    assert found is not None
    assert found.n == 27
    assert found.value == pytest.approx(1 / 27)


def test_a_gate_under_a_network_is_about_its_calls_alone(make_run: Callable[..., Run]) -> None:
    """Half of the calls met each of two networks."""
    run = make_run(calls=40, arms=(("a", "none"),), networks=("clean", "wifi-congested"))
    clean, congested = (
        read(f"rtp_loss_p50@{label}").measure(run.counted(), run.tau_s)
        for label in ("clean", "wifi-congested")
    )

    assert clean is not None
    assert congested is not None
    assert clean.n == congested.n == 20
    assert clean.value == 0 < congested.value
