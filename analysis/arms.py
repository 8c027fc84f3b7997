"""One arm's numbers: counts, shares, percentiles, RFC 6076 ratios, and why its callers waited."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.causes import causes
from analysis.hearing import Hearing, hearing
from analysis.intervals import Estimate, mean, share
from analysis.metric import agent_connect
from analysis.percentiles import LowPercentiles, Percentiles, known, low_percentiles_of, percentiles_of
from analysis.retransmissions import MOST
from analysis.survival import rmst

# RFC 6076, sections 4.6, 4.7 and 4.8.
SEER_STATUSES = (480, 486, 600, 603)
ISA_STATUSES = (408, 500, 503, 504)

OUTCOMES = (
    "answered",
    "unanswered",
    "agent_failed",
    "overloaded",
    "trunk_limit",
    "misconfigured",
    "redirected",
    "no_response",
    "tester_failed",
)


@dataclass(frozen=True, slots=True)
class Rtp:
    """How the callers' incoming voice came, and how it will have sounded (G.107)."""

    loss_share: Percentiles
    jitter_ms: Percentiles
    mos: LowPercentiles


@dataclass(frozen=True, slots=True)
class Retransmissions:
    """Requests that callers had to send again (RFC 3261, 17.1): in all, and on average in a call."""

    invite: int
    bye: int
    calls: int
    per_call: Estimate


@dataclass(frozen=True, slots=True)
class Rfc6076:
    """The standard's ratios, and two of them read for an agent, who is never busy and declines nothing.

    To the standard a 486 is a user's wish and a caller who gave up is nobody's failure; `seer_agent` and
    `isa_agent` hold both against the agent.
    """

    ser: Estimate
    seer: Estimate
    seer_agent: Estimate
    isa: Estimate
    isa_agent: Estimate
    scr: Estimate
    srd_s: Percentiles
    sdd_s: Percentiles


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """What one arm did; `calls` counts all but warm-up, shares leave the tester's failures out."""

    kind: str
    calls: int
    answered: int
    not_answered: int
    not_answered_share: Estimate
    outcomes: Mapping[str, int]
    rfc6076: Rfc6076
    ring_to_answer_s: Percentiles
    agent_connect_s: Percentiles
    wait_s: Percentiles
    greeting_s: Percentiles
    post_dial_delay_s: Percentiles
    rmst_s: Estimate
    rtp: Rtp
    heard: Hearing | None
    sip_retransmissions: Retransmissions
    causes: Mapping[str, int]


def arm_summary(
    attempts: pd.DataFrame, counted: pd.DataFrame, *, kind: str, tau_s: float, rooms_observed: bool
) -> ArmSummary:
    """The numbers of one arm.

    Args:
        attempts: its calls but warm-up, the tester's failures among them.
        counted: those of them that count (`Run.counted`).
        kind: of the arm.
        tau_s: the ring timeout.
        rooms_observed: whether causes can be told.
    """
    missed = int((~counted["answered"]).sum())
    latencies, errors, reach = agent_connect(counted)
    why = causes(counted).dropna().value_counts() if rooms_observed else pd.Series(dtype="int64")
    return ArmSummary(
        kind=kind,
        calls=len(attempts),
        answered=len(counted) - missed,
        not_answered=missed,
        not_answered_share=share(missed, len(counted)),
        outcomes={str(name): int(count) for name, count in attempts["outcome"].value_counts().items()},
        rfc6076=rfc6076(counted),
        ring_to_answer_s=percentiles_of(known(counted["ring_to_answer_s"]), tau_s),
        agent_connect_s=percentiles_of(latencies, reach, errors),
        wait_s=percentiles_of(known(counted["wait_s"]), tau_s),
        greeting_s=percentiles_of(known(counted["greeting_s"])),
        post_dial_delay_s=percentiles_of(known(counted["post_dial_delay_s"])),
        rmst_s=rmst(known(counted["ring_to_answer_s"]), tau_s),
        rtp=rtp(counted),
        heard=hearing(counted),
        sip_retransmissions=retransmissions(counted),
        causes={str(cause): int(count) for cause, count in why.items()},
    )


def rtp(counted: pd.DataFrame) -> Rtp:
    """Loss, jitter and opinion over the calls in which media were measured, a value a call."""
    return Rtp(
        loss_share=percentiles_of(known(counted["rtp_loss"])),
        jitter_ms=percentiles_of(known(counted["rtp_jitter_ms"])),
        mos=low_percentiles_of(known(counted["rtp_mos"])),
    )


def retransmissions(counted: pd.DataFrame) -> Retransmissions:
    """What callers sent again, over the calls that SIP went over UDP in."""
    sent_again = counted[["invite_again", "bye_again"]].dropna(how="all").fillna(0)
    in_call = sent_again.sum(axis=1).to_numpy(dtype="float64")
    return Retransmissions(
        invite=int(sent_again["invite_again"].sum()),
        bye=int(sent_again["bye_again"].sum()),
        calls=int((in_call > 0).sum()),
        per_call=mean(in_call, MOST),
    )


def rfc6076(counted: pd.DataFrame) -> Rfc6076:
    """SER, SEER, ISA and SCR (RFC 6076, 4.6-4.9), SRD of successful requests (4.3) and SDD (4.4).

    A status invented on this side is no answer of the system; a timeout is a 408 all the same (RFC 3261,
    8.1.3.1). Read for an agent, a rejection after the first ring (`agent_failed`) is not effective, and it
    is ineffective, as is a ring that the caller cancelled at τ (`unanswered`).
    """
    status, local = counted["sip_status"], counted["status_is_local"]
    answered = counted["outcome"] == "answered"
    redirected = counted["outcome"] == "redirected"
    asked = len(counted) - int(redirected.sum())
    effective = answered | (status.isin(SEER_STATUSES) & ~local)
    ineffective = ~answered & status.isin(ISA_STATUSES) & (~local | (status == 408))
    rejected = counted["outcome"] == "agent_failed"
    given_up = counted["outcome"] == "unanswered"
    completed = answered & (counted["bye_answered_s"].notna() | (counted["ended_by"] == "callee"))
    return Rfc6076(
        ser=share(int(answered.sum()), asked),
        seer=share(int(effective.sum()), asked),
        seer_agent=share(int((effective & ~rejected).sum()), asked),
        isa=share(int(ineffective.sum()), len(counted)),
        isa_agent=share(int((ineffective | rejected | given_up).sum()), len(counted)),
        scr=share(int(completed.sum()), len(counted)),
        srd_s=percentiles_of(known(counted.loc[answered, "post_dial_delay_s"])),
        sdd_s=percentiles_of(known(counted["disconnect_delay_s"])),
    )
