"""Folders of capacity runs as a run would leave them: a deployment with a queue, and the real search."""

import itertools
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from capacity.criterion import Criterion, Sight, read
from capacity.search import Search
from capacity.sequential import ALPHA, Trial
from capacity.step import Decision, Phase, Step, Tally, Tester
from tests.analysis.synthetic import START_UNIX, Recipe, _Call, _health, _lines, _settings, _write_calls

GATE = "not_answered<=0.05,ring_to_answer_p95_s<=3"
STEP_S = 30.0
QUIET_S = 5.0  # between a step's last call and the next step


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """So many processes, each busy for so long with a call's beginning: what it carries is their ratio."""

    servers: int = 2
    service_s: float = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRecipe:
    """What is searched and what is found: by default one arm that carries some 1.5 calls a second."""

    arms: tuple[tuple[str, Deployment], ...] = (("bounded", Deployment()),)
    profiles: tuple[str, ...] = ("clean",)
    axis: str = "rate"
    start: float = 0.5
    ceiling: float = 8.0
    ceiling_by: str = "max"
    precision: float = 1.2
    gate: str = GATE
    gates: dict[str, float] | None = None
    hold_s: float = 4.0
    tau_s: float = 15.0
    confirm_calls: int = 160
    bursts: tuple[int, ...] = (2, 4, 8, 16)
    smoke: bool = False
    most_steps: int | None = None  # interrupted after so many steps of the search
    most_calls: int = 400
    outcome: str | None = None  # of every call, where the target takes none
    late_by_s: float = 0.0  # how much too late the tester dials
    late_from: float = math.inf  # from this load on
    seed: int = 11
    start_unix: float = START_UNIX


@dataclass
class _Lab:
    """One arm of the deployment: when each of its processes is free again."""

    deployment: Deployment
    free_s: list[float] = field(default_factory=list)

    def queued_s(self, at_s: float) -> float:
        if not self.free_s:
            self.free_s = [0.0] * self.deployment.servers
        place = min(range(len(self.free_s)), key=self.free_s.__getitem__)
        begun_s = max(at_s, self.free_s[place])
        self.free_s[place] = begun_s + self.deployment.service_s
        return begun_s - at_s


class _Author:
    """Writes down a run as it goes."""

    def __init__(self, recipe: CapacityRecipe, base: Recipe) -> None:
        self.recipe, self.base = recipe, base
        self.draw = random.Random(recipe.seed)
        self.calls: list[_Call] = []
        self.steps: list[Step] = []
        self.now_s = 1.0
        self.criteria = read(recipe.gate)

    def step(
        self, phase: Phase, arm: str, profile: str, load: float, lab: _Lab, *, calls: int | None = None
    ) -> Decision:
        """Calls at one load until they decide, or so many; what they decide."""
        rate = load if self.recipe.axis == "rate" else load / self.recipe.hold_s
        rate = 1000.0 if phase is Phase.BURST else rate
        sequential = phase in (Phase.BRACKET, Phase.BISECT)
        warm_up = math.ceil(load) if self.recipe.axis == "concurrent" and sequential else 0
        trial = Trial(self.criteria, least=math.ceil(rate * STEP_S))
        tallies = {criterion.name: [0, 0] for criterion in self.criteria}
        began_s, first, due_s = self.now_s, len(self.calls), self.now_s
        for place in range(warm_up + (self.recipe.most_calls if calls is None else calls)):
            due_s += 0.0 if phase is Phase.BURST else self.draw.expovariate(rate)
            made = self._call(arm, profile, due_s, lab, load, warm_up=place < warm_up)
            if place < warm_up:
                continue
            bads = tuple(_is_bad(criterion, made) for criterion in self.criteria)
            for tally, bad in zip(tallies.values(), bads, strict=True):
                tally[0] += 1
                tally[1] += bad
            if sequential:
                trial.add(bads)
                if trial.decision is not None:
                    break
        decision = (trial.decision or Decision.UNDECIDED) if sequential else Decision.DONE
        if load >= self.recipe.late_from and sequential:
            decision = Decision.NOT_VALID
        self.now_s = max(call.ended_s for call in self.calls[first:]) + QUIET_S
        self.steps.append(
            Step(
                step=len(self.steps) + 1, phase=phase, arm=arm, profile=profile, load=load,
                calls_per_second=rate, first_call=first, calls=len(self.calls) - first, warm_up=warm_up,
                began_unix=self._unix(began_s), ended_unix=self._unix(due_s), decision=decision,
                because="written for a test",
                criteria=tuple(Tally(name, n, bad) for name, (n, bad) in tallies.items()),
            )
        )  # fmt: skip
        return decision

    def baseline(self, load: float) -> None:
        self.steps.append(
            Step(
                step=1, phase=Phase.BASELINE, arm="baseline", profile="clean", load=load,
                calls_per_second=load, first_call=None, calls=200, warm_up=0, began_unix=self._unix(0.0),
                ended_unix=self._unix(0.5), decision=Decision.DONE, because="the tester kept up",
                tester=Tester(dial_lag_p99_s=0.004, dropped=0, cpu_busiest=0.31),
            )
        )  # fmt: skip

    def _call(self, arm: str, profile: str, due_s: float, lab: _Lab, load: float, *, warm_up: bool) -> _Call:
        made = _Call(
            self.base, self.draw, len(self.calls), arm, "none", len(self.calls) // 4, due_s,
            warm_up=warm_up, stalled=False, outcome=self.recipe.outcome, queued_s=lab.queued_s(due_s),
        )  # fmt: skip
        if load >= self.recipe.late_from:
            made.invite_s += self.recipe.late_by_s
        made.network = profile
        self.calls.append(made)
        return made

    def _unix(self, at_s: float) -> float:
        return self.recipe.start_unix + at_s


def _is_bad(criterion: Criterion, call: _Call) -> bool:
    ring_s = (call.answered_s if call.answered_s is not None else call.ended_s) - call.ringing_s
    sight = Sight(call.answered, True, ring_s, call.ringing_s - call.invite_s)
    return bool(criterion.bad(sight))


def write_capacity_run(folder: Path, recipe: CapacityRecipe = CapacityRecipe()) -> Path:
    """Write the folder and return it."""
    folder.mkdir(parents=True)
    base = Recipe(
        arms=tuple((name, "none") for name, _ in recipe.arms), hold_s=recipe.hold_s, tau_s=recipe.tau_s,
        stalled_share=0.0, gates=recipe.gates, seed=recipe.seed, start_unix=recipe.start_unix,
        clean_ring_s=0.2,
    )  # fmt: skip
    author = _Author(recipe, base)
    author.baseline(recipe.ceiling / 0.7)
    state = "complete"
    for arm, deployment in recipe.arms:
        for profile in recipe.profiles:
            if not _cell(author, arm, profile, deployment):
                state = "cut"
    records = [call.record() for call in author.calls]
    if recipe.outcome == "misconfigured":
        records = [record | _REFUSED for record in records]
    _write_calls(folder, base, records)
    events = [event for call in author.calls for event in _events(call)]
    _lines(folder / "room-events.jsonl", sorted(events, key=lambda event: event["received_unix"]))
    _lines(folder / "steps.jsonl", [step.document() for step in author.steps])
    seconds = math.ceil(author.now_s)
    _lines(folder / "health-1.jsonl", (_health(base, author.draw, second) for second in range(seconds)))
    settings = _settings(folder.name, base, seconds) | {"state": state, "capacity": _asked(recipe)}
    (folder / "run.json").write_text(json.dumps(settings, indent=1))
    return folder


_REFUSED = {"outcome": "misconfigured", "sip_status": 404, "sip_reason": "Not Found", "ringing_s": None}


def _cell(author: _Author, arm: str, profile: str, deployment: Deployment) -> bool:
    """One search from the first burst to the recovery; whether it came to its end."""
    recipe, lab = author.recipe, _Lab(deployment)
    if recipe.smoke:
        author.step(Phase.SMOKE, arm, profile, recipe.start, lab, calls=60)
        return True
    for size in recipe.bursts:
        author.step(Phase.BURST, arm, profile, size, lab, calls=size)
    search = Search(recipe.start, recipe.ceiling, recipe.start / 8, recipe.precision)
    taken = 0
    while (asked := search.next()) is not None:
        if taken == recipe.most_steps:
            return False
        phase, load = asked
        search.tell(load, author.step(phase, arm, profile, load, lab))
        taken += 1
    low = search.knee.low
    if low is not None:
        author.step(Phase.CONFIRM, arm, profile, low, lab, calls=recipe.confirm_calls)
        author.step(Phase.SHED, arm, profile, 1.5 * low, lab, calls=math.ceil(45 * low))
        author.step(Phase.RECOVERY, arm, profile, low, lab, calls=math.ceil(30 * low) + 20)
    return True


def _events(call: _Call) -> list[dict[str, object]]:
    """Those of a call, and that its agent left and its room closed."""
    events = call.events()
    if not events:
        return []
    over = {"received_unix": call.unix(call.ended_s + 0.1), "call_id": None, "joined_unix": None}
    agent = {"event": "participant_left", "kind": "agent", "identity": f"agent-{call.index}"}
    room = {"event": "room_finished", "kind": None, "identity": None}
    return [*events, events[0] | over | agent, events[0] | over | room]


def _asked(recipe: CapacityRecipe) -> dict[str, object]:
    return {
        "axis": recipe.axis, "start": recipe.start, "ceiling": recipe.ceiling,
        "ceiling_by": recipe.ceiling_by, "precision": recipe.precision,
        "search_gate": recipe.gate.split(","), "budget_s": 1200.0, "smoke": recipe.smoke, "resumed": 0,
        "budget_calls": None, "alpha": ALPHA, "floor": recipe.start / 8,
    }  # fmt: skip


def writer(place: Path) -> Callable[..., Path]:
    """What writes a capacity run from the fields of `CapacityRecipe`, into a folder of its own each time.

    `servers` and `service_s` say what its one arm is; `arms` names several.
    """
    numbers = itertools.count()

    def write(servers: int = 2, service_s: float = 1.2, **fields: object) -> Path:
        deployment = Deployment(servers=servers, service_s=service_s)
        recipe = CapacityRecipe(**{"arms": (("bounded", deployment),)} | fields)
        return write_capacity_run(place / f"capacity-{next(numbers)}", recipe)

    return write
