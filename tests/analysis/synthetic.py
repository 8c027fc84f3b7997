"""Run folders as a run would leave them, drawn from a seed: for tests of the analysis and of the reports."""

import itertools
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

START_UNIX = 1_790_000_000.0
RING_S = 0.42
SIGNALLING_S = 0.03  # from the agent's beginning to connect to the server's taking it in
PUBLISHING_S = 0.05  # from the connect callback to the track's being there
TRUNK_LATE_S = 0.002  # how much later than the caller the trunk sees the INVITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What happens in a run: by default 60 calls, 30 % silent set-ups, an unbounded and a bounded arm."""

    calls: int = 60
    calls_per_second: float = 0.5
    warm_up: int = 2
    hold_s: float = 4.0
    tau_s: float = 15.0
    bound_s: float = 5.0
    stalled_share: float = 0.3
    arms: tuple[tuple[str, str], ...] = (("unbounded", "unbounded"), ("bounded", "bounded"))
    gates: Mapping[str, float] | None = None
    seed: int = 7
    workers: tuple[str, ...] = ("1",)
    observed: bool = True
    media: bool = True
    own_agents: bool = True
    own_trunk: bool = True
    state: str = "complete"
    outcomes: Mapping[int, str] | None = None
    start_unix: float = START_UNIX
    clean_ring_s: float = RING_S
    networks: tuple[str, ...] = ()  # labels; a call draws one, and an executor stands between
    priority: str = "realtime"
    heard: Mapping[int, Mapping[str, object]] | None = None  # what was otherwise in calls; None: not heard


def write_run(folder: Path, recipe: Recipe = Recipe()) -> Path:
    """Write the folder and return it."""
    folder.mkdir(parents=True)
    draw = random.Random(recipe.seed)
    records, events, faults, inside, trunk = [], [], [], [], []
    due_s = 0.5
    blocks = _arms_of_blocks(recipe, draw)
    stalled = {name: _stalled(recipe, draw) for name, _ in recipe.arms}
    total = len(blocks)
    for index, (arm, kind, block, warm_up) in enumerate(blocks):
        due_s += draw.expovariate(recipe.calls_per_second)
        holds = stalled[arm].pop()
        outcome = (recipe.outcomes or {}).get(index - (total - recipe.calls))
        call = _Call(
            recipe, draw, index, arm, kind, block, due_s, warm_up=warm_up, stalled=holds, outcome=outcome
        )
        records.append(call.record())
        if recipe.observed:
            events += call.events()
        if recipe.own_agents:
            inside += call.agent_events()
        if recipe.own_trunk:
            trunk.append(call.trunk_call())
        if holds and kind != "none":
            faults.append(call.fault())
    _write_calls(folder, recipe, records)
    _lines(folder / "room-events.jsonl", sorted(events, key=lambda event: event["received_unix"]))
    _lines(folder / "faults.jsonl", faults)
    if recipe.own_agents:
        _lines(folder / "agent-events.jsonl", sorted(inside, key=lambda event: event["unix"]))
    if recipe.own_trunk:
        _lines(folder / "trunk-calls.jsonl", trunk)
    seconds = int(due_s + recipe.tau_s + 5)
    for worker in recipe.workers:
        _lines(
            folder / f"health-{worker}.jsonl", (_health(recipe, draw, second) for second in range(seconds))
        )
    if recipe.networks:
        _lines(folder / "network.jsonl", network_lines(recipe, draw, seconds))
    (folder / "run.json").write_text(json.dumps(_settings(folder.name, recipe, seconds), indent=1))
    return folder


def _arms_of_blocks(recipe: Recipe, draw: random.Random) -> list[tuple[str, str, int, bool]]:
    warm, placed = [], []
    for arm in recipe.arms:
        warm += [(*arm, 0, True)] * recipe.warm_up
    size = 2 * len(recipe.arms)
    for block in range(-(-recipe.calls // size)):
        part = [(*arm, block + 1, False) for arm in recipe.arms for _ in range(2)]
        draw.shuffle(part)
        placed += part
    return warm + placed[: recipe.calls]


def _stalled(recipe: Recipe, draw: random.Random) -> list[bool]:
    """An exact share of every ten set-ups of each arm, in a drawn order."""
    total = recipe.calls + recipe.warm_up * len(recipe.arms)
    bag: list[bool] = []
    while len(bag) < total:
        ten = [place < round(10 * recipe.stalled_share) for place in range(10)]
        draw.shuffle(ten)
        bag += ten
    return bag[:total]


class _Call:
    """One call, with what each side saw of it."""

    def __init__(
        self, recipe: Recipe, draw: random.Random, index: int, arm: str, kind: str, block: int, due_s: float,
        *, warm_up: bool, stalled: bool, outcome: str | None, queued_s: float = 0.0,
    ) -> None:  # fmt: skip
        self.recipe, self.index, self.arm, self.block, self.warm_up = recipe, index, arm, block, warm_up
        self.kind, self.forced = kind, outcome
        self.due_s = due_s
        self.invite_s = due_s + draw.uniform(0.0005, 0.004)
        self.ringing_s = self.invite_s + draw.uniform(0.003, 0.009)
        self.sip_joined_s = self.ringing_s + draw.uniform(0.01, 0.04)
        self.agent_joined_s = self.sip_joined_s + draw.uniform(0.12, 0.25) + queued_s
        self.active_s = self.agent_joined_s + draw.uniform(0.05, 0.12)
        stall_s = {"unbounded": 1e9, "bounded": recipe.bound_s}.get(kind, 0.0) if stalled else 0.0
        self.published_s = self.active_s + recipe.clean_ring_s / 3 + draw.lognormvariate(-3, 0.6) + stall_s
        answer_s = self.published_s + draw.uniform(0.01, 0.03)
        self.answered = answer_s - self.ringing_s <= recipe.tau_s and outcome is None
        self.answered_s = answer_s if self.answered else None
        self.audio_s = answer_s + draw.uniform(0.08, 0.2) if self.answered and recipe.media else None
        last = answer_s + recipe.hold_s if self.answered else self.ringing_s + recipe.tau_s
        if outcome in ("agent_failed", "overloaded"):
            last = self.ringing_s + 1.0
        if outcome == "tester_failed":
            last = self.invite_s
        self.ended_s = last + draw.uniform(0.001, 0.004)
        self.last_s = last
        self.outcome = outcome or ("answered" if self.answered else "unanswered")
        self.jitter_ms = draw.uniform(0.2, 1.5)
        self.network = recipe.networks[index // 2 % len(recipe.networks)] if recipe.networks else "clean"
        self.room = f"{arm}_{100000 + index}_{draw.getrandbits(40):010x}"

    @property
    def call_id(self) -> str:
        return f"call-{self.index:05d}"

    def unix(self, at_s: float) -> float:
        return self.recipe.start_unix + at_s

    def record(self) -> dict[str, object]:
        failed = self.outcome == "tester_failed"
        given_up = self.outcome == "unanswered"
        status = {
            "answered": 200, "unanswered": 487, "agent_failed": 486, "overloaded": 503,
        }.get(self.outcome)  # fmt: skip
        packets = int(50 * self.recipe.hold_s)
        lost = round(packets * ASKED[self.network.partition(";")[0]].loss) if self.recipe.networks else 0
        rtp = {
            "sent": packets, "received": packets - lost, "lost": lost, "reordered": 0, "duplicates": 0,
            "jitter_ms": self.jitter_ms, "rtt_ms": None, "mos": None,
        }  # fmt: skip
        return {
            "call_id": self.call_id,
            "arm": self.arm,
            "block": self.block,
            "warm_up": self.warm_up,
            "number": "+15550100001",
            "profile": self.network,
            "due_s": self.due_s,
            "invite_s": None if failed else self.invite_s,
            "trying_s": None if failed else self.invite_s + 0.001,
            "ringing_s": None if failed else self.ringing_s,
            "answered_s": self.answered_s,
            "first_packet_s": None if self.audio_s is None else self.audio_s - 0.05,
            "first_audio_s": self.audio_s,
            "response_s": [],
            "cancel_s": self.last_s if given_up else None,
            "bye_s": self.last_s if self.answered else None,
            "bye_answered_s": self.ended_s if self.answered else None,
            "ended_s": self.ended_s,
            "due_unix": self.unix(self.due_s),
            "outcome": self.outcome,
            "silent": False if self.audio_s is not None else None,
            "sip_status": status,
            "sip_reason": {200: "OK", 487: "Request Terminated", 486: "Rejected"}.get(status or 0),
            "status_is_local": False,
            "sip_call_id": None if failed else f"{self.call_id}@127.0.0.1",
            "to_tag": None if failed else f"SCL_{self.index:012d}",
            "ended_by": {"answered": "caller", "unanswered": "caller", "tester_failed": "tester"}.get(
                self.outcome, "callee"
            ),
            "rtp": rtp | self.otherwise("rtp") if self.answered and self.recipe.media else None,
            "recording": None,
            **self.heard(),
            "worker": self.recipe.workers[self.index % len(self.recipe.workers)],
            "error": "no slot was free" if failed else None,
        }

    def heard(self) -> dict[str, object]:
        """A conversation of two phrases, each answered, and what was otherwise; nothing in older records."""
        if self.recipe.heard is None:
            return {}
        if not self.answered or not self.recipe.media:
            return {"heard": None}
        heard = {
            "late": 0, "burst_ratio": None, "gap_s": 0.021, "audible_s": self.recipe.hold_s / 2,
            "last_audible_s": self.last_s - 0.1, "clipped_share": 0.0, "phrases": 2, "unanswered": 0,
            "waiting_s": None, "talk_over_s": 0.0, "strangers": 0, "far_end_lost": 0,
        }  # fmt: skip
        return (
            {"response_s": [0.3, 0.4]} | self.otherwise("record") | {"heard": heard | self.otherwise("heard")}
        )

    def otherwise(self, part: str) -> Mapping[str, object]:
        """What the recipe says of this call's `rtp`, of `heard` or of the rest of its record."""
        said = (self.recipe.heard or {}).get(self.index, {}).get(part, {})
        assert isinstance(said, Mapping)
        return said

    def events(self) -> list[dict[str, object]]:
        if self.outcome == "tester_failed":
            return []
        sip = {"kind": "sip", "call_id": self.call_id, "identity": f"sip_{100000 + self.index}"}
        agent = {"kind": "agent", "call_id": None, "identity": f"agent-{self.index}"}
        seen = [
            ("participant_joined", self.sip_joined_s, sip, self.sip_joined_s, None),
            ("track_published", self.sip_joined_s + 0.04, sip, self.sip_joined_s, "audio"),
            ("participant_joined", self.active_s, agent, self.agent_joined_s, None),
            ("participant_left", self.ended_s, sip, self.sip_joined_s, None),
        ]
        if self.published_s <= self.ended_s:
            seen.append(("track_published", self.published_s, agent, self.agent_joined_s, "audio"))
        return [
            {
                "received_unix": self.unix(at_s + 0.002),
                "source": "webhook",
                "event": event,
                "event_unix": float(int(self.unix(at_s))),
                "room": self.room,
                **who,
                "joined_unix": self.unix(joined_s),
                "attributes": {"lktest.id": self.call_id} if who is sip else {},
                "track": track,
                "disconnect_reason": None,
            }
            for event, at_s, who, joined_s, track in seen
        ]

    def agent_events(self) -> list[dict[str, object]]:
        """Both spans start; room_connect ends where the callback came before the caller left."""
        if self.outcome == "tester_failed":
            return []
        offered_s, began_s = self.sip_joined_s + 0.08, self.agent_joined_s - SIGNALLING_S
        callback_s = self.published_s - PUBLISHING_S
        told = [
            self._told(offered_s, "span_started", "job_entrypoint", start_unix=self.unix(offered_s)),
            self._told(began_s, "span_started", "room_connect", start_unix=self.unix(began_s)),
        ]
        if self.published_s <= self.ended_s:
            told.append(
                self._told(
                    callback_s, "span_ended", "room_connect",
                    start_unix=self.unix(began_s), duration_s=callback_s - began_s, connected=True,
                )
            )  # fmt: skip
        else:
            words = "The room connection was not established within 10 seconds after calling job_entry."
            told.append(self._told(began_s + 10, "log", "livekit.agents", level="warning", text=words))
        told.append(
            self._told(
                self.ended_s, "span_ended", "job_entrypoint", start_unix=self.unix(offered_s),
                duration_s=self.ended_s - offered_s, latencies_s={"dispatch": 0.01},
            )
        )  # fmt: skip
        return told

    def _told(self, at_s: float, event: str, name: str, **fields: object) -> dict[str, object]:
        silent = {"start_unix": None, "duration_s": None, "connected": None, "level": None, "text": None}
        return {
            "unix": self.unix(at_s), "arm": self.arm, "room": self.room, "event": event, "name": name,
            "latencies_s": {}, **silent, **fields,
        }  # fmt: skip

    def trunk_call(self) -> dict[str, object]:
        """The trunk has the INVITE later than the caller, and sends 180 and 200 as the caller gets them."""
        began_s = self.invite_s + TRUNK_LATE_S
        packets = int(50 * self.recipe.hold_s)
        return {
            "sip_call_id": f"{self.call_id}@127.0.0.1",
            "trying_s": 0.0,
            "ringing_s": self.ringing_s - began_s,
            "answered_s": None if self.answered_s is None else self.answered_s - began_s,
            "rtp_received": packets - 1 if self.answered and self.recipe.media else None,
        }

    def fault(self) -> dict[str, object]:
        begun_s = self.active_s + 0.01
        held_s = {"bounded": self.recipe.bound_s}.get(self.kind, self.ended_s - begun_s)
        return {
            "unix": self.unix(begun_s), "arm": self.arm, "room": self.room, "kind": "silent", "held_s":
        max(held_s, 0.0), }  # fmt: skip


def _write_calls(folder: Path, recipe: Recipe, records: list[dict[str, object]]) -> None:
    for worker in recipe.workers:
        own = [record for record in records if record["worker"] == worker]
        header = {
            "format": 1, "worker": worker, "host": "lab", "monotonic": 5000.0, "unix": recipe.start_unix,
            "master_offset_s": 0.0, "master_offset_error_s": 0.0,
        }  # fmt: skip
        _lines(folder / f"calls-{worker}.jsonl", [header, *own, {"closed": True, "count": len(own)}])


def _health(recipe: Recipe, draw: random.Random, second: int) -> dict[str, object]:
    return {
        "unix": recipe.start_unix + second,
        "processes": [
            {"name": "locust", "pid": 100, "cpu_share": draw.uniform(0.02, 0.1)},
            {"name": "worker-0", "pid": 101, "cpu_share": draw.uniform(0.01, 0.05)},
        ],
        "loop_lag_s": draw.uniform(0.0002, 0.002),
        "calls_up": 1,
        "dropped_dials": 0,
        "restarts": 0,
    }


def _settings(run_id: str, recipe: Recipe, seconds: int) -> dict[str, object]:
    return {
        "format": 1,
        "run_id": run_id,
        "state": recipe.state,
        "started_unix": recipe.start_unix,
        "ended_unix": recipe.start_unix + seconds,
        "stop_reason": None,
        "plan": {
            "calls": recipe.calls,
            "calls_per_second": recipe.calls_per_second,
            "arrivals": "poisson",
            "warm_up": recipe.warm_up,
            "max_concurrent": None,
            "hold_s": recipe.hold_s,
            "duration_s": None,
        },
        "tau_s": recipe.tau_s,
        "setup_timeout_s": 32.0,
        "seed": recipe.seed,
        "arms": [
            {"name": name, "kind": kind, "number": f"+1555010000{place}", "agent": f"agent-{name}"}
            for place, (name, kind) in enumerate(recipe.arms, start=1)
        ],
        "candidate": recipe.arms[-1][0],
        "filter_fault": f"silent:{recipe.stalled_share}" if recipe.stalled_share else None,
        "bound_s": recipe.bound_s,
        "network": _network(recipe),
        "gates": [{"name": name, "limit": limit} for name, limit in (recipe.gates or {}).items()],
        "options": {"calls": recipe.calls, "calls-per-second": recipe.calls_per_second},
        "trunk": {"kind": "embedded", "uri": "sip:127.0.0.1:5060", "version": "aiosipua 0.7.1, aiortp 0.8.0"},
        "observe": "webhook" if recipe.observed else "off",
        "versions": {"ringtime": "0.1.0", "livekit-server": "1.13.5", "livekit-agents": "1.8.9"},
        "host": {
            "name": "lab",
            "cores": 2,
            "memory_bytes": 8 << 30,
            "kernel": "Linux 6.12",
            "python": "3.11.2",
        },
        "clock": {"unix": recipe.start_unix, "monotonic": 5000.0},
        "workers": list(recipe.workers),
        "dropped_dials": sum(outcome == "tester_failed" for outcome in (recipe.outcomes or {}).values()),
        "room_clock": {"offset_s": 0.0, "error_s": 0.001} if recipe.observed else None,
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """A profile of the callers' leg, the same both ways: delay, its deviation, loss, mean burst."""

    delay_ms: float = 0.0
    deviation_ms: float = 0.0
    loss: float = 0.0
    burst: float = 1.0


ASKED = {
    "clean": Asked(),
    "wifi-congested": Asked(20.0, 12.0, 0.03, 4.0),
    "g114-150": Asked(150.0, 0.0),
    "burst-loss-5": Asked(30.0, 0.0, 0.05, 5.0),
    "g1050-b": Asked(155.0, 43.0, 0.02),
}
PACKETS = 100  # a second, leg, profile and direction


def _network(recipe: Recipe) -> dict[str, object]:
    if not recipe.networks:
        return {"spec": "clean", "executor": None}
    return {
        "spec": f"caller={'+'.join(recipe.networks)};agent=clean;settings=clean",
        "executor": "wire",
        "priority": recipe.priority,
        "labels": list(recipe.networks),
    }


def network_lines(recipe: Recipe, draw: random.Random, seconds: int) -> Iterator[dict[str, object]]:
    """Each second's legs, probes and pulse of an executor that delivers what is asked for."""
    for second in range(1, seconds):
        stamp = {"unix": recipe.start_unix + second, "at_s": float(second)}
        for label, direction in itertools.product(recipe.networks, ("up", "down")):
            place = {"leg": "caller", "profile": label, "direction": direction}
            yield stamp | {"kind": "leg"} | place | _leg(ASKED[label], draw, second)
            yield stamp | {"kind": "probe"} | place | _probe(ASKED[label])
        pulse = {"executor": "wire", "priority": recipe.priority, "cpu_s": 0.04, "unread": 0, "strangers": 2}
        yield stamp | {"kind": "executor"} | pulse


def _leg(asked: Asked, draw: random.Random, second: int) -> dict[str, object]:
    lost = round(asked.loss * PACKETS)
    return {
        "offered": PACKETS,
        "outage": 0,
        "too_large": 0,
        "queue_full": 0,
        "lost": lost,
        "bursts": round(lost / asked.burst) if second % 2 else -int(-lost // asked.burst),
        "reordered": 0,
        "duplicated": 0,
        "delivered": PACKETS - lost,
        "refused": 0,
        "asked_loss": asked.loss,
        "delay_ms": {
            "asked_mean": asked.delay_ms,
            "asked_deviation": asked.deviation_ms,
            "mean": asked.delay_ms + draw.uniform(0.1, 0.3),
            "deviation": asked.deviation_ms + draw.uniform(0.0, 0.05),
        },
        "late_ms": {"p50": 0.2, "p99": 0.4, "p999": 0.6},
    }


def _probe(asked: Asked) -> dict[str, object]:
    lost = round(asked.loss * 10)
    return {
        "sent": 10,
        "not_as_asked": 0,
        "lost_asked": lost,
        "lost": lost,
        "burst_asked": asked.burst if lost else None,
        "burst": asked.burst if lost else None,
        "delay_error_ms": {"p50": 0.3, "p99": 0.5, "p999": 0.5},
    }


def _lines(path: Path, values: Iterable[object]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


def writer(place: Path) -> Callable[..., Path]:
    """What writes a run from the fields of `Recipe`, into a folder of its own in `place` each time."""
    numbers = itertools.count()
    return lambda **fields: write_run(place / f"run-{next(numbers)}", Recipe(**fields))
