"""Requests that a caller had to send again over UDP, told from the times of its call.

A client repeats a request that nothing answers: an INVITE by timer A until the first response, T1, 3 T1, 7 T1
… after it (RFC 3261, 17.1.1.2); any other by timer E, whose waits grow to T2 at the most, until its final
answer (17.1.2.2). Both give up after 64 T1. A request over TCP or TLS is never sent again.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.intervals import Values

T1_S = 0.5
T2_S = 4.0
GIVEN_UP_S = 64 * T1_S
INVITE_AGAIN_S = (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)
BYE_AGAIN_S = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
MOST = len(INVITE_AGAIN_S) + len(BYE_AGAIN_S)  # of one call


def is_over_udp(trunk_uri: str) -> bool:
    """Whether requests to this trunk go over UDP, which is SIP's default (RFC 3263, 4.1)."""
    uri = trunk_uri.lower()
    return not uri.startswith("sips:") and "transport=" not in uri.replace("transport=udp", "")


def sent_again(waited_s: npt.ArrayLike, at_s: tuple[float, ...]) -> Values:
    """How many of a request's repetitions were due before it had waited so long, in seconds."""
    waited = np.asarray(waited_s, dtype="float64")
    count: Values = np.searchsorted(np.array(at_s), waited, side="left").astype("float64")
    return np.where(np.isnan(waited), np.nan, count)


def invite_again(calls: pd.DataFrame) -> pd.Series:
    """How often each call's first INVITE was sent again before its first response; NaN without one."""
    responses = calls[["trying_s", "ringing_s", "answered_s"]].min(axis=1)
    until_s = responses.fillna(calls["cancel_s"]).fillna(calls["ended_s"])
    return pd.Series(sent_again(until_s - calls["invite_s"], INVITE_AGAIN_S), index=calls.index)


def bye_again(calls: pd.DataFrame) -> pd.Series:
    """How often each call's own BYE was sent again before its answer; NaN without one."""
    until_s = calls["bye_answered_s"].fillna(calls["ended_s"])
    return pd.Series(sent_again(until_s - calls["bye_s"], BYE_AGAIN_S), index=calls.index)
