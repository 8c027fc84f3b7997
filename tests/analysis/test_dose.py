"""The dose of a run as it is read, and what it says of how calls were heard."""

from collections.abc import Callable

import pytest

from analysis.dose import Dose, Heard, dose_of
from analysis.emodel import burst_ratio_of, mos
from analysis.run import Run


def _leg(
    profile: str, *, delivered: int, delay_ms: float | None, lost: int, bursts: int
) -> dict[str, object]:
    return {
        "unix": 1.0, "at_s": 1.0, "kind": "leg", "leg": "caller", "profile": profile, "direction": "down",
        "offered": delivered + lost, "delivered": delivered, "lost": lost, "bursts": bursts,
        "delay_ms": {"mean": delay_ms},
    }  # fmt: skip


def _dose(*labels: str) -> Dose:
    lines = [
        _leg("lossy", delivered=90, delay_ms=20.0, lost=10, bursts=2),
        _leg("lossy", delivered=10, delay_ms=120.0, lost=2, bursts=2),
        _leg("far", delivered=0, delay_ms=None, lost=0, bursts=0),
    ]
    return dose_of("run", {"executor": "wire", "labels": list(labels)}, lines)


def test_a_call_is_heard_over_the_callers_leg_of_its_label() -> None:
    """Its delay is a mean over packets; the agent's leg in the label has no part in it."""
    dose = _dose("lossy", "lossy;flap", "far")
    for label in ("lossy", "lossy;flap", "caller=lossy;settings=slow"):
        assert dose.heard(label) == Heard(delay_ms=pytest.approx(30.0), burst=3.0)
    for label in ("far", "clean", "flap"):
        assert dose.heard(label) == Heard(0.0, 1.0)


def test_profiles_are_named_once_and_without_the_clean_one() -> None:
    """As the labels spell them, with and without their leg."""
    assert _dose("clean;flap", "lossy;flap", "caller=far;agent=lossy").profiles == ("flap", "lossy", "far")


def test_opinion_counts_the_bursts_and_the_delay_of_the_networks_dose(make_run: Callable[..., Run]) -> None:
    """3 % of loss in bursts of 3 sounds worse than the same in single losses; delay counts too."""
    run = make_run(calls=12, networks=("clean", "g1050-b", "wifi-congested"), stalled_share=0.0)
    opinions = run.calls.groupby("profile")["rtp_mos"].median()
    ratio = burst_ratio_of(3.0, 0.03)
    assert opinions["clean"] == pytest.approx(float(mos(0.0, 0.2)), abs=0.01)
    assert opinions["wifi-congested"] == pytest.approx(float(mos(0.03, 20.2, burst_ratio=ratio)), abs=0.02)
    assert opinions["wifi-congested"] < float(mos(0.03, 20.2)) - 0.5
    assert opinions["g1050-b"] == pytest.approx(float(mos(0.02, 155.2)), abs=0.01)
    assert opinions["g1050-b"] < float(mos(0.02, 0.0))
