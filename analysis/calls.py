"""The table of calls: one row an attempt, every duration of it, and what its room saw.

Times `_s` of a record count from its own file's start; columns `_unix` are the master's wall clock. A
duration is infinite where the caller waited for something that never came, and missing (NaN) where it was
not measured.
"""

import numpy as np
import pandas as pd

from analysis.dose import Dose
from analysis.emodel import burst_ratio_of, mos
from analysis.retransmissions import bye_again, invite_again


def call_table(
    records: pd.DataFrame,
    rooms: pd.DataFrame,
    trunk: pd.DataFrame,
    dose: Dose,
    *,
    tau_s: float,
    zero_unix: float,
    over_udp: bool,
) -> tuple[pd.DataFrame, int]:
    """Rows of all workers in order of their due time, and how many repeated call ids were left out.

    Args:
        records: of all files (`analysis.records`).
        rooms: what the room's side and the agent saw, by call id.
        trunk: what the trunk's log says, by SIP Call-ID.
        dose: what the network did to the calls' voice.
        tau_s: the ring timeout; a later answer counts as none.
        zero_unix: the run's start on the master's clock, from which `due_at_s` counts.
        over_udp: whether SIP went over UDP, where requests are sent again.
    """
    repeated = records["call_id"].duplicated()
    calls = records[~repeated]
    calls = calls.assign(due_at_s=calls["zero_unix"] + calls["due_s"] - zero_unix)
    calls = calls.sort_values("due_at_s", kind="stable", ignore_index=True)
    calls = pd.concat([calls, _of(calls, rooms, "call_id"), _of(calls, trunk, "sip_call_id")], axis=1)
    calls = _with_opinion(_with_durations(calls, tau_s), dose)
    calls["invite_again"] = invite_again(calls) if over_udp else np.nan
    calls["bye_again"] = bye_again(calls) if over_udp else np.nan
    return calls, int(repeated.sum())


def _of(calls: pd.DataFrame, table: pd.DataFrame, key: str) -> pd.DataFrame:
    """What a table holds of each call, which it names at most once."""
    return table.set_index(key).reindex(calls[key]).set_axis(calls.index)


def _with_durations(calls: pd.DataFrame, tau_s: float) -> pd.DataFrame:
    """Add the durations of metrics: each is the difference of two of the call's times, or infinite."""
    answered = (calls["outcome"] == "answered") & calls["answered_s"].notna()
    # A 200 without any 18x never rang: post-dial delay ends with the 200 and the ring lasts no time.
    rang_at = calls["ringing_s"].fillna(calls["answered_s"])
    ring = (calls["answered_s"] - rang_at).where(answered)
    given_up = calls["cancel_s"].fillna(calls["ended_s"])
    # Hung up by the tester because the run was cut: neither the system's failure nor the tester's.
    calls["interrupted"] = (
        (calls["outcome"] == "tester_failed") & (calls["ended_by"] == "tester") & calls["cancel_s"].notna()
    )
    in_time = answered & (ring <= tau_s)
    counts = calls["outcome"] != "tester_failed"
    calls["answered"] = in_time
    calls["dial_lag_s"] = calls["invite_s"] - calls["due_s"]
    calls["post_dial_delay_s"] = rang_at - calls["invite_s"]
    calls["ring_to_answer_s"] = ring.where(in_time, np.inf).where(counts)
    measured_audio = calls["silent"].notna()
    calls["setup_s"] = (calls["answered_s"] - calls["invite_s"]).where(in_time, np.inf).where(counts)
    greeting = calls["first_audio_s"] - calls["answered_s"]
    calls["greeting_s"] = greeting.where(calls["first_audio_s"].notna(), np.inf).where(
        in_time & measured_audio
    )
    wait = (calls["first_audio_s"] - calls["due_s"]).where(in_time, np.inf)
    wait = wait.where(calls["first_audio_s"].notna(), np.inf)
    calls["wait_s"] = wait.where(counts & (measured_audio | ~in_time) & bool(measured_audio.any()))
    calls["disconnect_delay_s"] = calls["bye_answered_s"] - calls["bye_s"]
    calls["rtp_loss"] = calls["rtp_lost"] / _expected(calls)
    return _with_room_durations(calls, given_up)


def _expected(calls: pd.DataFrame) -> pd.Series:
    """How many packets each call should have had."""
    return (calls["rtp_lost"] + calls["rtp_received"]).replace(0, np.nan)


def _with_opinion(calls: pd.DataFrame, dose: Dose) -> pd.DataFrame:
    """Add how voice was heard: the E-model of each call's own loss, with delay and bursts as far as known.

    Half the round trip stands for the way in one direction; where it was not measured the dose's delay does,
    and without a dose none. What came too late to be played is as good as lost. A caller who listened knows
    how all that was bunched; where nobody did the dose does.
    """
    calls["rtp_unplayed"] = calls["rtp_loss"] + (calls["heard_late"] / _expected(calls)).fillna(0.0)
    heard = {label: dose.heard(label) for label in calls["profile"].dropna().unique()}
    delay_ms = calls["profile"].map({label: each.delay_ms for label, each in heard.items()})
    burst = calls["profile"].map({label: each.burst for label, each in heard.items()})
    one_way_ms = (calls["rtp_rtt_ms"] / 2).fillna(delay_ms.astype("float64")).fillna(0.0)
    of_dose = burst_ratio_of(burst.astype("float64").fillna(1.0), calls["rtp_loss"])
    measured = calls["heard_burst_ratio"].fillna(1.0).clip(lower=1.0)
    calls["rtp_burst_ratio"] = measured.where(calls["heard_late"].notna(), of_dose)
    modelled = mos(calls["rtp_unplayed"], one_way_ms, burst_ratio=calls["rtp_burst_ratio"])
    calls["rtp_mos"] = calls["rtp_mos"].fillna(pd.Series(modelled, index=calls.index))
    return calls


def _with_room_durations(calls: pd.DataFrame, given_up: pd.Series) -> pd.DataFrame:
    """Add dispatch and agent connect latency, `agent_connect_at_least_s` where the caller left first."""
    zero = calls["zero_unix"]
    calls["ringing_unix"] = zero + calls["ringing_s"]
    calls["answered_unix"] = zero + calls["answered_s"]
    calls["gave_up_unix"] = (zero + given_up).where(~calls["answered"])
    calls["dispatch_s"] = calls["agent_joined_unix"] - calls["sip_joined_unix"]
    calls["agent_connect_s"] = calls["agent_published_unix"] - calls["agent_joined_unix"]
    waited = (calls["gave_up_unix"] - calls["agent_joined_unix"]).clip(lower=0)
    never = calls["agent_joined_unix"].notna() & calls["agent_published_unix"].isna()
    calls["agent_connect_at_least_s"] = waited.where(never)
    return calls
