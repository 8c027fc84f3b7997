"""Why a call was slow or never answered, told from what its room saw."""

from enum import StrEnum

import numpy as np
import pandas as pd

# Slower than this is worth a reason: the default limit on ring-to-answer.
SLOW_S = 3.0
_BRIEF_S = 2.0


class Cause(StrEnum):
    """The stage that held a call, in the order in which a call passes them."""

    NO_DISPATCH_RULE = "no dispatch rule"
    ROOM_JOIN_LATE = "caller joined the room late"
    NO_WORKER = "no worker"
    JOB_NOT_STARTED = "job not started"
    AGENT_NOT_ACTIVE = "agent not active"
    CONNECT_CALLBACK_LATE = "connect callback late (filter init)"
    AGENT_DID_NOT_PUBLISH = "agent did not publish"
    NOT_ANSWERED_THOUGH_PUBLISHED = "published but not answered"


# What each stage is waiting for, and who is to blame when it took longest.
STAGES: dict[str, tuple[str, str, Cause]] = {
    "room join": ("ringing_unix", "sip_joined_unix", Cause.ROOM_JOIN_LATE),
    "dispatch": ("sip_joined_unix", "agent_joined_unix", Cause.JOB_NOT_STARTED),
    "agent active": ("agent_joined_unix", "agent_active_unix", Cause.AGENT_NOT_ACTIVE),
    "connect and publish": ("agent_active_unix", "agent_published_unix", Cause.CONNECT_CALLBACK_LATE),
    "answer": ("agent_published_unix", "answered_unix", Cause.NOT_ANSWERED_THOUGH_PUBLISHED),
}


def causes(calls: pd.DataFrame, *, slow_s: float = SLOW_S) -> pd.Series:
    """The `Cause` of each call that rang and was not answered, or was answered after more than `slow_s`.

    None for the others: fast calls, and those refused before they rang (their outcome says why). Meaningful
    only where rooms were observed.
    """
    rang = calls["ringing_s"].notna()
    missed = rang & ~calls["answered"] & calls["outcome"].isin(["unanswered", "agent_failed"])
    slow = rang & calls["answered"] & (calls["ring_to_answer_s"] > slow_s)
    found = pd.Series([None] * len(calls), index=calls.index, dtype=object)
    if missed.any():
        at_work = calls[["agent_joined_unix", "job_started_unix"]].notna().any(axis=1)
        staffed = at_work.groupby(calls["arm"]).transform("any")
        found[missed] = _of_missed(calls[missed], staffed[missed])
    if slow.any():
        found[slow] = _of_slow(calls[slow])
    return found


def stage_durations(calls: pd.DataFrame) -> pd.DataFrame:
    """Seconds a call spent in each of `STAGES`; one that never ended lasts until the caller gave up."""
    durations = {}
    open_until = calls["gave_up_unix"]
    for name, (start, end, _) in STAGES.items():
        finished = calls[end].where(calls[end] <= open_until.fillna(np.inf))
        durations[name] = (finished.fillna(open_until) - calls[start]).clip(lower=0)
    return pd.DataFrame(durations, index=calls.index)


def _of_missed(calls: pd.DataFrame, staffed: pd.Series) -> pd.Series:
    """The first step that did not happen before the caller gave up."""
    by_then = calls["gave_up_unix"].fillna(np.inf)

    def never(column: str) -> pd.Series:
        return ~(calls[column] <= by_then)

    left_first = calls["agent_left_unix"] < by_then - 0.1
    stayed_s = calls["agent_left_unix"] - calls["agent_joined_unix"]
    rules = [
        (never("sip_joined_unix"), Cause.NO_DISPATCH_RULE),
        # A worker took the job, which ended before it joined, or so soon after that no look showed it.
        (never("agent_joined_unix") & calls["job_started_unix"].notna(), Cause.AGENT_DID_NOT_PUBLISH),
        (never("agent_joined_unix") & ~staffed, Cause.NO_WORKER),
        (never("agent_joined_unix"), Cause.JOB_NOT_STARTED),
        # Gone so soon that no look may have shown it active; a connection that fails takes longer.
        (never("agent_active_unix") & left_first & (stayed_s < _BRIEF_S), Cause.AGENT_DID_NOT_PUBLISH),
        (never("agent_active_unix"), Cause.AGENT_NOT_ACTIVE),
        (never("agent_published_unix") & left_first, Cause.AGENT_DID_NOT_PUBLISH),
        # Active, still there, and silent: the connect callback has not come.
        (never("agent_published_unix"), Cause.CONNECT_CALLBACK_LATE),
    ]
    return _first(rules, calls.index, Cause.NOT_ANSWERED_THOUGH_PUBLISHED)


def _first(rules: list[tuple[pd.Series, Cause]], index: pd.Index, otherwise: Cause) -> pd.Series:
    found = pd.Series([otherwise] * len(index), index=index, dtype=object)
    for condition, cause in reversed(rules):
        found[condition] = cause
    return found


def _of_slow(calls: pd.DataFrame) -> pd.Series:
    """The stage that took longest; None where the room was not seen."""
    durations = stage_durations(calls)
    seen = durations.notna().any(axis=1)
    blame = {name: cause for name, (_, _, cause) in STAGES.items()}
    longest = durations[seen].idxmax(axis=1).map(blame)
    return pd.Series(longest, dtype=object).reindex(calls.index)
