"""One call step by step: what caller, trunk, room, agent and filter saw of it, on the caller's clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from analysis.causes import causes
from analysis.hearing import Missing, missing
from analysis.run import Run


class Side(StrEnum):
    """Who saw a step."""

    CALLER = "caller"
    TRUNK = "trunk"
    ROOM = "room"
    AGENT = "agent"
    FILTER = "filter"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a call: `at_s` seconds after the INVITE, within `error_s`, lasting until `until_s`.

    A step without length ends where it begins; one that had no end when the call was over is `open_ended`.
    """

    side: Side
    what: str
    at_s: float
    error_s: float = 0.0
    until_s: float | None = None
    open_ended: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """A call and its steps in their order; `ring_s` is None where nobody answered."""

    call_id: str
    arm: str
    profile: str
    due_at_s: float
    outcome: str
    answered: bool
    sip: str
    ring_s: float | None
    lasted_s: float
    cause: str | None
    missing: str | None
    recording: str | None
    steps: tuple[Step, ...]


_CALLER = {
    "due_s": "due",
    "invite_s": "INVITE",
    "trying_s": "100 Trying",
    "ringing_s": "180 Ringing",
    "answered_s": "200 OK",
    "first_packet_s": "first RTP packet",
    "first_audio_s": "first audible sound",
    "heard_last_audible_s": "last audible sound",
    "cancel_s": "CANCEL: the caller gave up",
    "bye_s": "BYE",
    "bye_answered_s": "200 OK to the BYE",
    "ended_s": "call over",
}
_ROOM = {
    "sip_joined_unix": "caller joined",
    "job_started_unix": "job started",
    "agent_joined_unix": "agent joined",
    "agent_active_unix": "agent ACTIVE",
    "agent_published_unix": "agent's audio published",
    "agent_left_unix": "agent left",
}
_REASONS = ("cause", "missing")
_GRAVITY = {name: place for place, name in enumerate(Missing)} | {None: len(Missing)}
_TRUNK = {"trunk_ringing_s": "sent 180", "trunk_answered_s": "sent 200"}


def worst_calls(run: Run, *, most: int, varied: bool = False) -> list[Ladder]:
    """The calls that were not answered, the longest wait first, then the slowest; at most `most`.

    Between the two are those whose sound went missing, the gravest first. With `varied` each arm and cause
    comes once before any is repeated: what there is to see, not the same again.
    """
    calls = run.counted()
    why = causes(calls) if run.rooms_observed else pd.Series(None, index=calls.index, dtype=object)
    calls = calls.assign(cause=why, missing=missing(calls), waited_s=calls["ended_s"] - calls["invite_s"])
    missed = calls[~calls["answered"]].sort_values("waited_s", ascending=False, kind="stable")
    slow = calls[calls["answered"]].sort_values("ring_to_answer_s", ascending=False, kind="stable")
    slow = slow.sort_values("missing", key=lambda found: found.map(_GRAVITY), kind="stable")
    order = pd.concat([missed, slow])
    if varied:
        kind = [order["arm"], order["answered"], *(order[why].fillna("").astype(str) for why in _REASONS)]
        order = order.assign(again=order.groupby(kind).cumcount()).sort_values("again", kind="stable")
    return [ladder_of(run, row) for _, row in order.head(most).iterrows()]


def ladder_of(run: Run, call: pd.Series) -> Ladder:
    """The steps of one row of `Run.counted` with its `cause` and what was `missing` of its sound."""
    steps = sorted(_steps(run, call), key=lambda step: step.at_s)
    known = [float(call[name] - call["invite_s"]) for name in _CALLER if pd.notna(call[name])]
    status = "" if pd.isna(call["sip_status"]) else f"{call['sip_status']:.0f} {call['sip_reason'] or ''}"
    return Ladder(
        call_id=str(call["call_id"]),
        arm=str(call["arm"]),
        profile=str(call["profile"]),
        due_at_s=float(call["due_at_s"]),
        outcome=str(call["outcome"]),
        answered=bool(call["answered"]),
        sip=f"{status.strip()} (made up here)" if call["status_is_local"] and status else status.strip(),
        ring_s=float(call["ring_to_answer_s"]) if call["answered"] else None,
        lasted_s=max(known, default=0.0),
        cause=None if pd.isna(call["cause"]) else str(call["cause"]),
        missing=None if pd.isna(call["missing"]) else str(call["missing"]),
        recording=None if pd.isna(call["recording"]) else str(call["recording"]),
        steps=tuple(steps),
    )


def _steps(run: Run, call: pd.Series) -> Iterator[Step]:
    if pd.isna(call["invite_s"]):
        return
    zero = call["zero_unix"] + call["invite_s"]
    room_error_s = run.worker_clock_error_s + (run.room_clock.error_s if run.room_clock else 0.0)
    for name, what in _CALLER.items():
        if pd.notna(call[name]):
            yield Step(Side.CALLER, what, float(call[name] - call["invite_s"]))
    for name, what in _TRUNK.items():
        if pd.notna(call[name]):
            # The trunk counts from when it had the INVITE, which is later than this by one way.
            yield Step(Side.TRUNK, what, float(call[name]))
    for name, what in _ROOM.items():
        if pd.notna(call[name]):
            coarse = call["room_error_s"] if pd.notna(call["room_error_s"]) else 0.0
            yield Step(Side.ROOM, what, float(call[name] - zero), float(room_error_s + coarse))
    ended_s = float(call["ended_s"] - call["invite_s"]) if pd.notna(call["ended_s"]) else 0.0
    if pd.notna(call["connect_began_unix"]):
        begun = float(call["connect_began_unix"] - zero)
        came = pd.notna(call["connected_unix"])
        until = float(call["connected_unix"] - zero) if came else max(ended_s, begun)
        what = "room_connect" if came else "room_connect, no callback"
        yield Step(Side.AGENT, what, begun, room_error_s, until, open_ended=not came)
    for fault in run.faults[run.faults["room"] == call["room"]].itertuples():
        begun = float(fault.unix - zero)
        held_s = None if pd.isna(fault.held_s) else float(fault.held_s)
        yield Step(
            Side.FILTER, f"set-up met {fault.kind}", begun, room_error_s,
            max(ended_s, begun) if held_s is None else begun + held_s, open_ended=held_s is None,
        )  # fmt: skip
