"""Each way to lose or slow a call has its own cause."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.causes import Cause, causes, stage_durations
from analysis.run import Run

NEVER = np.nan


def _calls(**columns: float) -> pd.DataFrame:
    """One call that rang at 0 and was given up at 15 s, beside one of the same arm that went well."""
    lost = {
        "ringing_unix": 0.0, "sip_joined_unix": 0.1, "job_started_unix": NEVER,
        "agent_joined_unix": 0.3, "agent_active_unix": 0.4,
        "agent_published_unix": NEVER, "agent_left_unix": NEVER, "answered_unix": NEVER, "gave_up_unix": 15.0,
    } | columns  # fmt: skip
    fine = {
        "ringing_unix": 0.0, "sip_joined_unix": 0.1, "job_started_unix": NEVER,
        "agent_joined_unix": 0.3, "agent_active_unix": 0.4,
        "agent_published_unix": 0.5, "agent_left_unix": NEVER, "answered_unix": 0.52, "gave_up_unix": NEVER,
    }  # fmt: skip
    calls = pd.DataFrame([lost, fine]).assign(arm="a", ringing_s=0.0, outcome=["unanswered", "answered"])
    calls["answered"] = calls["answered_unix"].notna()
    calls["ring_to_answer_s"] = calls["answered_unix"].fillna(np.inf)
    return calls


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (
            {"sip_joined_unix": NEVER, "agent_joined_unix": NEVER, "agent_active_unix": NEVER},
            Cause.NO_DISPATCH_RULE,
        ),
        ({"agent_joined_unix": NEVER, "agent_active_unix": NEVER}, Cause.JOB_NOT_STARTED),
        (
            {"job_started_unix": 0.2, "agent_joined_unix": NEVER, "agent_active_unix": NEVER},
            Cause.AGENT_DID_NOT_PUBLISH,
        ),
        ({"agent_active_unix": NEVER}, Cause.AGENT_NOT_ACTIVE),
        ({"agent_active_unix": NEVER, "agent_left_unix": 0.9}, Cause.AGENT_DID_NOT_PUBLISH),
        ({"agent_active_unix": NEVER, "agent_left_unix": 14.0}, Cause.AGENT_NOT_ACTIVE),
        ({}, Cause.CONNECT_CALLBACK_LATE),
        ({"agent_published_unix": 16.0}, Cause.CONNECT_CALLBACK_LATE),
        ({"agent_left_unix": 6.0}, Cause.AGENT_DID_NOT_PUBLISH),
        ({"agent_published_unix": 0.6}, Cause.NOT_ANSWERED_THOUGH_PUBLISHED),
    ],
)
def test_an_unanswered_call_is_blamed_on_the_first_step_that_did_not_happen(
    seen: dict[str, float], cause: Cause
) -> None:
    """What the room saw before the caller gave up names the cause; the call that went well has none."""
    found = causes(_calls(**seen))
    assert found[0] == cause
    assert found[1] is None


def test_an_arm_whose_rooms_no_agent_ever_joined_has_no_worker() -> None:
    """Without one agent in the whole arm it is not a slow job but a missing worker."""
    calls = _calls(agent_joined_unix=NEVER, agent_active_unix=NEVER).iloc[:1]
    assert causes(calls)[0] == Cause.NO_WORKER


@pytest.mark.parametrize(
    ("late", "cause"),
    [
        ("sip_joined_unix", Cause.ROOM_JOIN_LATE),
        ("agent_joined_unix", Cause.JOB_NOT_STARTED),
        ("agent_active_unix", Cause.AGENT_NOT_ACTIVE),
        ("agent_published_unix", Cause.CONNECT_CALLBACK_LATE),
        ("answered_unix", Cause.NOT_ANSWERED_THOUGH_PUBLISHED),
    ],
)
def test_a_slow_call_is_blamed_on_its_longest_stage(late: str, cause: Cause) -> None:
    """Four seconds lost in one step are that step's."""
    steps = [
        "sip_joined_unix",
        "agent_joined_unix",
        "agent_active_unix",
        "agent_published_unix",
        "answered_unix",
    ]
    times = {
        step: 0.1 * (place + 1) + (4.0 if place >= steps.index(late) else 0.0)
        for place, step in enumerate(steps)
    }
    calls = _calls(**times, gave_up_unix=NEVER).assign(outcome="answered")
    assert causes(calls)[0] == cause


def test_stages_add_up_to_the_ring(make_run: Callable[..., Run]) -> None:
    """From the first ring to the answer, or to giving up, no second is lost or counted twice."""
    calls = make_run().counted()
    lasted = calls["answered_unix"].fillna(calls["gave_up_unix"]) - calls["ringing_unix"]
    assert np.allclose(stage_durations(calls).sum(axis=1), lasted, atol=0.01)


def test_the_manufactured_stall_is_found_to_be_a_late_connect_callback(make_run: Callable[..., Run]) -> None:
    """In both arms exactly the stalled set-ups are blamed, and on the filter."""
    found = causes(make_run().counted()).dropna()
    assert set(found) == {Cause.CONNECT_CALLBACK_LATE}
    assert len(found) == 18
