"""Durations of a call, and which calls count."""

from collections.abc import Callable

import numpy as np

from analysis.run import Run


def test_a_call_that_was_refused_rings_for_ever(make_run: Callable[..., Run]) -> None:
    """A 486 after one second has T = ∞, as a call that nobody took."""
    calls = make_run(outcomes={0: "agent_failed"}).counted()
    refused = calls[calls["outcome"] == "agent_failed"]
    assert np.isinf(refused["ring_to_answer_s"]).all()
    assert not refused["answered"].any()


def test_warm_up_and_the_testers_failures_do_not_count(make_run: Callable[..., Run]) -> None:
    """Of 64 calls 4 warm up and one the tester failed: 60 were attempts and 59 count."""
    run = make_run(outcomes={3: "tester_failed"})
    assert (len(run.calls), len(run.attempts()), len(run.counted())) == (64, 60, 59)


def test_durations_are_those_of_the_record(make_run: Callable[..., Run]) -> None:
    """Ring-to-answer, post-dial delay, greeting, wait and dial lag are differences of recorded times."""
    calls = make_run(stalled_share=0.0).counted()
    assert np.allclose(calls["ring_to_answer_s"], calls["answered_s"] - calls["ringing_s"])
    assert np.allclose(calls["post_dial_delay_s"], calls["ringing_s"] - calls["invite_s"])
    assert np.allclose(calls["greeting_s"], calls["first_audio_s"] - calls["answered_s"])
    assert np.allclose(calls["wait_s"], calls["first_audio_s"] - calls["due_s"])
    assert np.allclose(calls["dial_lag_s"], calls["invite_s"] - calls["due_s"])


def test_agent_connect_is_known_or_known_to_exceed_the_callers_patience(make_run: Callable[..., Run]) -> None:
    """A published agent has its latency, one that never published has a least one, of nearly τ."""
    calls = make_run().counted()
    known, least = calls["agent_connect_s"].notna(), calls["agent_connect_at_least_s"].notna()
    assert (known ^ least).all()
    assert (calls.loc[least, "agent_connect_at_least_s"] > 14).all()


def test_without_media_nothing_is_said_about_audio(make_run: Callable[..., Run]) -> None:
    """Where audio was not measured greeting and wait are missing, not infinite."""
    calls = make_run(media=False).counted()
    assert calls["greeting_s"].isna().all()
    assert calls["wait_s"].isna().all()
