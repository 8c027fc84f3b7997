"""What callers heard of answered calls: answers to their phrases, and sound that was missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from analysis.intervals import Estimate, share
from analysis.percentiles import Percentiles, known, percentiles_of

# Nobody who asked something waits so long for a sound and believes that somebody is still there.
PATIENCE_S = 5.0
_LEFT_S = 0.1  # an agent leaves with its caller too


class Missing(StrEnum):
    """What was wrong with the sound of an answered call, the gravest first."""

    NO_PACKET = "no packet came"
    NO_SOUND = "packets without a sound"
    WENT_SILENT = "went silent"
    NO_ANSWER = "a phrase had no answer"


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the callers of one arm heard, over the answered calls that were listened to.

    `one_way_share` is of all of them, `went_silent_share` and `unanswered_share` of those in which the agent
    was heard and spoken to. `agent_left` counts calls that went silent after the agent had left the room.
    """

    calls: int
    phrases: int
    missing: Mapping[str, int]
    one_way_share: Estimate
    went_silent_share: Estimate
    agent_left: int
    unanswered_share: Estimate
    response_s: Percentiles
    talk_over_share: Percentiles
    clipped_share: Percentiles
    late_share: Percentiles
    gap_s: Percentiles
    outgoing_loss_share: Percentiles


def hearing(counted: pd.DataFrame) -> Hearing | None:
    """The figures of counted calls; None where nobody listened."""
    calls = counted[counted["answered"] & counted["heard_phrases"].notna()]
    if calls.empty:
        return None
    what = missing(calls)
    spoken_to = spoken_with(calls)
    silenced = what == Missing.WENT_SILENT
    one_way = what.isin([Missing.NO_PACKET, Missing.NO_SOUND])
    expected = (calls["rtp_lost"] + calls["rtp_received"]).replace(0, np.nan)
    up_s = (calls["bye_s"].fillna(calls["ended_s"]) - calls["answered_s"]).where(lambda up_s: up_s > 0)
    left_first = calls["agent_left_unix"] < calls["zero_unix"] + calls["ended_s"] - _LEFT_S
    return Hearing(
        calls=len(calls),
        phrases=int(calls["heard_phrases"].sum()),
        missing={str(name): int(count) for name, count in what.dropna().value_counts().items()},
        one_way_share=share(int(one_way.sum()), len(calls)),
        went_silent_share=share(int(silenced.sum()), int(spoken_to.sum())),
        agent_left=int((silenced & left_first).sum()),
        unanswered_share=share(int((spoken_to & _unanswered(calls)).sum()), int(spoken_to.sum())),
        response_s=percentiles_of(known(responses(calls))),
        talk_over_share=percentiles_of(known((calls["heard_talk_over_s"] / up_s).clip(upper=1))),
        clipped_share=percentiles_of(known(calls["heard_clipped_share"])),
        late_share=percentiles_of(known(calls["heard_late"] / expected)),
        gap_s=percentiles_of(known(calls["heard_gap_s"])),
        outgoing_loss_share=percentiles_of(
            known((calls["heard_far_end_lost"] / calls["rtp_sent"].replace(0, np.nan)).clip(upper=1))
        ),
    )


def missing(calls: pd.DataFrame) -> pd.Series:
    """The gravest `Missing` of each answered call that was listened to; None where its sound was there."""
    listened = calls["answered"] & calls["heard_phrases"].notna()
    silent = listened & calls["silent"].isin([True])
    rules = [
        (silent & ~(calls["rtp_received"] > 0), Missing.NO_PACKET),
        (silent, Missing.NO_SOUND),
        (spoken_with(calls) & went_silent(calls), Missing.WENT_SILENT),
        (spoken_with(calls) & _unanswered(calls), Missing.NO_ANSWER),
    ]
    found = pd.Series([None] * len(calls), index=calls.index, dtype=object)
    for applies, name in reversed(rules):
        found[applies] = name
    return found


def spoken_with(calls: pd.DataFrame) -> pd.Series:
    """In which the agent was heard and the caller said a phrase: only there a silence says something.

    An agent that is not asked anything may have nothing to say.
    """
    return calls["answered"] & (calls["heard_phrases"] > 0) & calls["silent"].isin([False])


def went_silent(calls: pd.DataFrame) -> pd.Series:
    """In which the caller had listened in vain for `PATIENCE_S` as the call ended, by no sound since."""
    return calls["heard_waiting_s"] >= PATIENCE_S


def responses(calls: pd.DataFrame) -> pd.Series:
    """The slowest answer to a phrase in each call, infinite where one had none; missing without a phrase."""
    return calls["response_s"].mask(_unanswered(calls), np.inf)


def _unanswered(calls: pd.DataFrame) -> pd.Series:
    return (calls["heard_unanswered"] > 0) | went_silent(calls)
