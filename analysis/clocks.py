"""Other clocks on the same calls: the agent's own beside the room's, the trunk's beside the caller's."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.causes import Cause, causes
from analysis.intervals import Estimate, percentile
from analysis.run import Run


@dataclass(frozen=True, slots=True)
class AgentClock:
    """One arm's connecting as its agents timed it, in calls and in medians of seconds.

    `calls` are those whose agent wrote that it began to connect, `connected` those whose callback came.
    `outside_minus_inside_s` is agent connect latency, which the room's side sees, minus the span
    `room_connect` of the same call; `publish_s` is what the former holds after the callback. `held` counts
    the calls that were put down to a late callback, `held_confirmed` those of them whose span was open for
    more than half of the time between the agent's being active and its publishing, or the caller's leaving.
    """

    calls: int
    connected: int
    dispatch_s: Estimate
    room_connect_s: Estimate
    outside_minus_inside_s: Estimate
    publish_s: Estimate
    held: int
    held_confirmed: int
    filter_given_up: int
    warned_not_connected: int


@dataclass(frozen=True, slots=True)
class TrunkClock:
    """Medians of the caller's measure minus the trunk's, over the calls of which the trunk's log tells."""

    post_dial_delay_s: Estimate
    ring_to_answer_s: Estimate
    rtp_packets: Estimate


@dataclass(frozen=True, slots=True)
class Clocks:
    """What was collected: an entry of `agents` per arm, none where the agents are somebody else's."""

    agents: Mapping[str, AgentClock]
    trunk: TrunkClock | None


def clocks_of(run: Run) -> Clocks:
    """Compare the clocks over the calls that count."""
    calls = run.counted()
    timed = calls[calls["connect_began_unix"].notna()]
    told = calls[calls["trunk_ringing_s"].notna()]
    return Clocks(
        agents={
            arm.name: _agent_clock(timed[timed["arm"] == arm.name])
            for arm in run.arms
            if (timed["arm"] == arm.name).any()
        },
        trunk=_trunk_clock(told) if len(told) else None,
    )


def _agent_clock(calls: pd.DataFrame) -> AgentClock:
    held = calls[causes(calls) == Cause.CONNECT_CALLBACK_LATE]
    return AgentClock(
        calls=len(calls),
        connected=int(calls["room_connect_s"].notna().sum()),
        dispatch_s=_median(calls["job_dispatch_s"]),
        room_connect_s=_median(calls["room_connect_s"].fillna(np.inf)),
        outside_minus_inside_s=_median(calls["agent_connect_s"] - calls["room_connect_s"]),
        publish_s=_median(calls["agent_published_unix"] - calls["connected_unix"]),
        held=len(held),
        held_confirmed=int((_share_in_connect(held) > 0.5).sum()),
        filter_given_up=int((calls["filter_given_up"] == True).sum()),  # noqa: E712 - missing is not true
        warned_not_connected=int((calls["warned_not_connected"] == True).sum()),  # noqa: E712
    )


def _share_in_connect(calls: pd.DataFrame) -> pd.Series:
    """How much of the time from the agent's being active to its publishing it waited for the callback."""
    begun, end = calls["agent_active_unix"], calls["agent_published_unix"].fillna(calls["gave_up_unix"])
    waited_until = calls["connected_unix"].fillna(np.inf).clip(upper=end)
    return (waited_until - begun) / (end - begun)


def _trunk_clock(calls: pd.DataFrame) -> TrunkClock:
    trunk_ring = calls["trunk_answered_s"] - calls["trunk_ringing_s"]
    rang = calls["ring_to_answer_s"].where(calls["answered"])
    return TrunkClock(
        post_dial_delay_s=_median(calls["post_dial_delay_s"] - calls["trunk_ringing_s"]),
        ring_to_answer_s=_median(rang - trunk_ring),
        rtp_packets=_median(calls["rtp_sent"] - calls["trunk_rtp_received"]),
    )


def _median(values: pd.Series) -> Estimate:
    return percentile(values.dropna().to_numpy(dtype="float64"), 0.5)
