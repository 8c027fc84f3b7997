"""The folder of a run as large as wanted, drawn from a seed and written as the load side writes it."""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rooms.event import CALL_ID_ATTRIBUTE, RoomEvent
from sip.heard import RtpStats
from sip.outcome import Outcome
from sip.plan import Dial, Plan
from sip.record import FORMAT, CallRecord, CallsFile, Epoch, HealthFile, RunFolder

ARMS = ("unbounded", "bounded")
WORKERS = ("0", "1", "2", "3")
CALLS_PER_SECOND = 50.0  # a million calls take five and a half hours
TAU_S = 60.0
BOUND_S = 5.0
HOLD_S = 5.0
STALLED_SHARE = 0.02
_EPOCH = Epoch(monotonic=5000.0, unix=1_790_000_000.0)
_AT_ONCE = 2_000  # records that are made before they are written
_REFUSALS: dict[Outcome, tuple[float, int, str, bool]] = {
    # share of calls, status, reason phrase, whether the caller's own stack made it up
    Outcome.AGENT_FAILED: (0.004, 486, "Rejected", False),
    Outcome.OVERLOADED: (0.003, 503, "Service Unavailable", False),
    Outcome.TRUNK_LIMIT: (0.002, 403, "Concurrent call limit exceeded", False),
    Outcome.MISCONFIGURED: (0.002, 404, "Not Found", False),
    Outcome.REDIRECTED: (0.002, 302, "Moved Temporarily", False),
    Outcome.NO_RESPONSE: (0.002, 408, "Request Timeout", True),
}
_TESTER_FAILED_SHARE = 0.002
_SILENT_SHARE = 0.002


@dataclass(frozen=True, slots=True)
class Written:
    """What lies in the folder, and how long the writing of the calls alone took."""

    records: int
    room_events: int
    write_s: float


def write_run(folder: Path, records: int, *, seed: int, rooms: bool) -> Written:
    """Write a finished run of two arms in which every outcome occurs.

    Args:
        folder: a new one.
        records: how many calls, one a record.
        seed: of the plan and of what becomes of each call.
        rooms: whether the room's side was observed, by webhooks.
    """
    folder.mkdir(parents=True)
    plan = Plan(calls=records, calls_per_second=CALLS_PER_SECOND, arms=ARMS, seed=seed)
    calls = [CallsFile(folder, worker, _EPOCH) for worker in WORKERS]
    observer = (
        os.open(folder / "room-events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND) if rooms else None
    )
    draw, dials, room_events, write_s, last_s = random.Random(f"{seed}/calls"), plan.dials(), 0, 0.0, 0.0
    dropped = 0
    while some := [_call(dial, draw) for dial in islice(dials, _AT_ONCE)]:
        begun_s = time.perf_counter()
        for dial, record in some:
            calls[dial.index % len(calls)].add(record)
        write_s += time.perf_counter() - begun_s
        last_s = max(last_s, *(record.ended_s or 0.0 for _, record in some))
        dropped += sum(record.outcome is Outcome.TESTER_FAILED for _, record in some)
        if observer is not None:
            for _, record in some:
                for event in _events(record, draw):
                    event.append_to(observer)
                    room_events += 1
    if observer is not None:
        os.close(observer)
    for file in calls:
        file.close()
    for worker in WORKERS:
        _write_health(folder, worker, int(last_s) + 1, draw)
    RunFolder(folder).write_run(_settings(folder.name, plan, last_s, dropped, rooms=rooms))
    return Written(records, room_events, write_s)


def _call(dial: Dial, draw: random.Random) -> tuple[Dial, CallRecord]:
    return dial, _record(dial, _outcome(draw), draw)


def _outcome(draw: random.Random) -> Outcome:
    """Answered unless the trunk, the network or the tester is in the way; a stall may still undo it."""
    at = draw.random()
    for outcome, (share, *_) in _REFUSALS.items():
        if at < share:
            return outcome
        at -= share
    return Outcome.TESTER_FAILED if at < _TESTER_FAILED_SHARE else Outcome.ANSWERED


def _record(dial: Dial, outcome: Outcome, draw: random.Random) -> CallRecord:
    invite = dial.due_s + draw.expovariate(1 / 0.001)
    times: dict[str, float | None] = {"invite": invite, "trying": invite + draw.uniform(0.001, 0.003)}
    status, reason, local = 200, "OK", False
    ring = draw.lognormvariate(-0.75, 0.3)  # a median of 0.47 s
    if draw.random() < STALLED_SHARE:
        ring += BOUND_S if dial.arm == "bounded" else 137.0  # what a hung set-up was seen to take
    if outcome is Outcome.ANSWERED and ring > TAU_S:
        outcome = Outcome.UNANSWERED
    ringing = invite + draw.uniform(0.005, 0.03)
    silent: bool | None = None
    match outcome:
        case Outcome.ANSWERED:
            silent = draw.random() < _SILENT_SHARE
            _answered(times, ringing, ring, draw, silent=silent)
        case Outcome.UNANSWERED:
            status, reason = 487, "Request Terminated"
            cancel = ringing + TAU_S
            times |= {"ringing": ringing, "cancel": cancel, "ended": cancel + draw.uniform(0.001, 0.005)}
        case Outcome.TESTER_FAILED:
            times = {"invite": None, "ended": invite}
        case _:
            _, status, reason, local = _REFUSALS[outcome]
            rang = outcome is Outcome.AGENT_FAILED
            waited_s = 32.0 if local else ring if rang else draw.uniform(0.005, 0.2)
            times |= {"ringing": ringing if rang else None, "ended": ringing + waited_s}
    made = outcome is not Outcome.TESTER_FAILED
    ended_by = {Outcome.ANSWERED: "caller", Outcome.UNANSWERED: "caller", Outcome.TESTER_FAILED: "tester"}
    return CallRecord(
        call_id=f"20260921T131320Z-b0b5e5-{dial.index}",
        arm=dial.arm,
        block=dial.block,
        warm_up=dial.warm_up,
        number=f"+1555010000{1 + ARMS.index(dial.arm)}",
        profile=dial.profile,
        due_s=dial.due_s,
        invite_s=times["invite"],
        trying_s=times.get("trying"),
        ringing_s=times.get("ringing"),
        answered_s=times.get("answered"),
        first_packet_s=times.get("first_packet"),
        first_audio_s=times.get("first_audio"),
        response_s=(),
        cancel_s=times.get("cancel"),
        bye_s=times.get("bye"),
        bye_answered_s=times.get("ended") if "bye" in times else None,
        ended_s=times.get("ended"),
        due_unix=_EPOCH.unix + dial.due_s,
        outcome=outcome,
        silent=silent,
        sip_status=status if made else None,
        sip_reason=reason if made else None,
        status_is_local=local,
        sip_call_id=f"{draw.getrandbits(128):032x}" if made else None,
        to_tag=f"SCL_{draw.getrandbits(48):012x}" if made and not local else None,
        ended_by=ended_by.get(outcome, "callee"),
        rtp=_voice(draw) if outcome is Outcome.ANSWERED else None,
        heard=None,
        recording=None,
        worker=WORKERS[dial.index % len(WORKERS)],
        error=None if made else "no slot was free",
    )


def _answered(
    times: dict[str, float | None], ringing: float, ring: float, draw: random.Random, *, silent: bool
) -> None:
    answered = ringing + ring
    bye = answered + HOLD_S
    times |= {"ringing": ringing, "answered": answered, "bye": bye, "ended": bye + draw.uniform(0.001, 0.02)}
    times["first_packet"] = answered + draw.uniform(0.02, 0.08)
    times["first_audio"] = None if silent else answered + draw.lognormvariate(-0.9, 0.35)


def _voice(draw: random.Random) -> RtpStats:
    packets = int(50 * HOLD_S)
    lost = 0 if draw.random() < 0.9 else min(int(draw.expovariate(0.5)), packets)
    return RtpStats(
        packets, packets - lost, lost, 0, 0, round(draw.gammavariate(2, 0.6), 3),
        round(draw.gammavariate(4, 5), 3) if draw.random() < 0.5 else None,
    )  # fmt: skip


def _events(record: CallRecord, draw: random.Random) -> Iterator[RoomEvent]:
    """The webhooks of a call that reached a room, in the order in which they come."""
    if record.ringing_s is None or record.ended_s is None:
        return
    room = f"ringtime-{record.arm}_{record.call_id.rpartition('-')[2]}_{draw.getrandbits(60):015x}"
    joined = record.ringing_s + draw.uniform(0.01, 0.04)
    agent_joined = joined + draw.uniform(0.1, 0.2)
    published = record.answered_s and max(record.answered_s - draw.uniform(0.01, 0.03), agent_joined)
    caller = {"kind": "sip", "identity": f"sip_{record.call_id}"}
    agent = {"kind": "agent", "identity": f"agent-AJ_{draw.getrandbits(48):012x}"}
    attributes = {
        CALL_ID_ATTRIBUTE: record.call_id,
        "sip.callIDFull": str(record.sip_call_id),
        "sip.callStatus": "ringing",
        "sip.hostname": "127.0.0.1",
        "sip.ruleID": "SDR_AkGhEttHwgyz",
        "sip.trunkID": "ST_Z7Jae8zs9fGv",
        "sip.trunkPhoneNumber": record.number,
    }
    named = {"call_id": record.call_id, "attributes": attributes}
    seen: list[tuple[str, float, dict[str, Any]]] = [
        ("room_started", joined - 0.005, {}),
        ("participant_joined", joined, caller | named | {"joined_unix": _unix(joined)}),
        ("track_published", joined + 0.003, caller | {"track": "audio"}),
        ("participant_joined", agent_joined + 0.06, agent | {"joined_unix": _unix(agent_joined)}),
        ("participant_left", record.ended_s + 0.002, caller | {"disconnect_reason": "CLIENT_INITIATED"}),
        ("participant_left", record.ended_s + 0.010, agent | {"disconnect_reason": "ROOM_DELETED"}),
        ("room_finished", record.ended_s + 0.012, {}),
    ]
    if published is not None:
        seen.insert(4, ("track_published", published, agent | {"track": "audio"}))
    for event, at_s, more in seen:
        stamp = _unix(at_s)
        yield RoomEvent(
            received_unix=stamp + 0.002, source="webhook", event=event, room=room,
            event_unix=float(int(stamp)), **more,
        )  # fmt: skip


def _unix(at_s: float) -> float:
    return _EPOCH.unix + at_s


def _write_health(folder: Path, worker: str, seconds: int, draw: random.Random) -> None:
    with HealthFile(folder, worker) as file:
        for second in range(seconds):
            names = ("locust", "zygote", *(f"worker-{number}" for number in range(6)))
            loads = [
                {"name": name, "pid": 100 + place, "cpu_share": draw.uniform(0.02, 0.2)}
                for place, name in enumerate(names)
            ]
            file.write(
                {
                    "unix": _unix(float(second)),
                    "processes": loads,
                    "loop_lag_s": draw.expovariate(2000),
                    "calls_up": round(CALLS_PER_SECOND * HOLD_S / len(WORKERS)),
                    "dropped_dials": 0,
                    "restarts": 0,
                }
            )


def _settings(run_id: str, plan: Plan, last_s: float, dropped: int, *, rooms: bool) -> dict[str, Any]:
    """`run.json` of a run against a remote trunk that ended as planned."""
    return {
        "format": FORMAT,
        "run_id": run_id,
        "state": "complete",
        "started_unix": _EPOCH.unix,
        "ended_unix": _unix(last_s),
        "stop_reason": None,
        "plan": {
            "calls": plan.calls,
            "calls_per_second": plan.calls_per_second,
            "arrivals": plan.arrivals,
            "warm_up": plan.warm_up,
            "max_concurrent": None,
            "hold_s": HOLD_S,
            "duration_s": None,
        },
        "tau_s": TAU_S,
        "setup_timeout_s": 32.0,
        "seed": plan.seed,
        "arms": [
            {"name": arm, "kind": arm, "number": f"+1555010000{place}", "agent": f"agent-{arm}"}
            for place, arm in enumerate(plan.arms, start=1)
        ],
        "candidate": plan.arms[-1],
        "filter_fault": None,
        "bound_s": BOUND_S,
        "network": {"spec": "clean", "executor": None, "priority": None, "labels": list(plan.profiles)},
        "gates": [],
        "options": {"calls": plan.calls, "calls-per-second": plan.calls_per_second},
        "trunk": {"kind": "remote", "uri": "sip:trunk.example.net", "version": None},
        "observe": "webhook" if rooms else "off",
        "versions": {},
        "host": {"name": "benchmark", "cores": 2, "memory_bytes": 8 << 30, "kernel": "", "python": ""},
        "clock": {"unix": _EPOCH.unix, "monotonic": _EPOCH.monotonic},
        "workers": list(WORKERS),
        "dropped_dials": dropped,
        "room_clock": {"offset_s": 0.0, "error_s": 0.001} if rooms else None,
    }
