"""How much one arm carries under one network: the interval that its steps leave, and what bounds it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from analysis.gates import Verdict
from analysis.step_reading import SEARCHING, StepReading
from analysis.steps import CapacityPlan
from analysis.wording import count, listed, loaded, number
from capacity.criterion import read
from capacity.search import Search
from capacity.step import Decision, Phase
from capacity.stretch import Ended


class Limit(StrEnum):
    """What kept a search from going on."""

    MAX = "max"
    TESTER = "tester"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """Callers notice between `low`, the highest load that passed, and `high`, the lowest that failed.

    Either is None where no load did: the interval is open there. `binds` are the criteria that broke at
    `high`, `gates_broken` those of the run's gates that its few calls show to be broken there. `held` is the
    load of the last confirming hold, `confirmed` the same where every gate was kept in it.
    """

    run_id: str
    arm: str
    profile: str
    low: float | None
    high: float | None
    binds: tuple[str, ...]
    gates_broken: tuple[str, ...]
    held: float | None
    hold_calls: int
    hold_gates: int
    hold_broken: tuple[str, ...]
    hold_open: tuple[str, ...]
    confirmed: float | None
    contradicted: tuple[float, ...]
    limited_by: Limit | None
    calls: int
    sentence: str

    @property
    def who(self) -> str:
        """The arm, and the network where that is not a clean one."""
        return self.arm if self.profile == "clean" else f"{self.arm} under {self.profile}"

    @property
    def gates_said(self) -> str:
        """How the last hold took the gates, in a word or two."""
        if self.held is None:
            return "not held"
        if self.confirmed is not None:
            return f"all {self.hold_gates} kept"
        if self.hold_broken:
            return f"broken: {listed(self.hold_broken)}"
        return f"undecided: {listed(self.hold_open)}" if self.hold_open else "not valid"

    @property
    def interval(self) -> str:
        """The interval as it is written, open where nothing is known."""
        return written(self.low, self.high)


_CUT_SHORT = frozenset({Decision.CUT, Decision.NOT_VALID})


def written(low: float | None, high: float | None) -> str:
    """Two loads as an interval: "0.84 to 1", "≥ 8", "< 0.5", or that nothing is known."""
    if low is not None and high is not None:
        return f"{number(low)} to {number(high)}"
    if low is not None:
        return f"≥ {number(low)}"
    return "not known" if high is None else f"< {number(high)}"


def knee_of(plan: CapacityPlan, steps: Sequence[StepReading], broken_at: Sequence[str]) -> Knee:
    """The knee of one cell.

    Args:
        plan: its run's search.
        steps: its own, in their order.
        broken_at: the run's gates that broke at the lowest failed load.
    """
    search = searched(plan, steps)
    found, hold = search.knee, last_hold(steps)
    low, high = (found.low, found.high) if not plan.smoke else _looked(hold)
    failing = lowest_failed(steps, high)
    gates = hold.gates if hold is not None else ()
    kept = hold is not None and hold.decision is Decision.PASSED
    knee = Knee(
        run_id=plan.run_id,
        arm=steps[0].arm,
        profile=steps[0].profile,
        low=low,
        high=high,
        binds=failing.broken if failing is not None else (),
        gates_broken=tuple(broken_at),
        held=hold.load if hold is not None else None,
        hold_calls=hold.n if hold is not None else 0,
        hold_gates=len(gates),
        hold_broken=tuple(gate.title for gate in gates if gate.verdict is Verdict.FAILED),
        hold_open=tuple(gate.title for gate in gates if gate.verdict is Verdict.UNDECIDED),
        confirmed=hold.load if hold is not None and kept else None,
        contradicted=search.contradicted,
        limited_by=_limited_by(plan, searched(plan, steps, live=True), steps),
        calls=sum(step.calls for step in steps),
        sentence="",
    )
    return replace(knee, sentence=f"{_found(knee, plan)}{_held(knee, plan)}.")


def searched(plan: CapacityPlan, steps: Sequence[StepReading], *, live: bool = False) -> Search:
    """The search, told what the records say of each step, or what was said while calling (`live`).

    A hold that shows less takes a pass back.
    """
    loads = [step.load for step in steps if step.phase in (*SEARCHING, Phase.CONFIRM)]
    search = Search(plan.start, max([plan.ceiling, *loads]), min([plan.start, *loads]), plan.precision)
    for step in steps:
        came_to = step.live if live else step.decision
        if step.phase in SEARCHING and came_to is not Decision.CUT:
            search.tell(step.load, came_to)
        elif step.phase is Phase.CONFIRM and _CUT_SHORT.isdisjoint((step.live, step.decision)):
            search.tell(step.load, _by_criteria(step))
    return search


def _by_criteria(hold: StepReading) -> Decision:
    verdicts = {each.verdict for each in hold.criteria}
    if Verdict.FAILED in verdicts:
        return Decision.FAILED
    allowed = max((each.allowed for each in hold.criteria), default=0.0)
    told = Ended(Decision.UNDECIDED, hold.calls, 0.0, bad=hold.late, judged=hold.n)
    return Decision.UNDECIDED if Verdict.UNDECIDED in verdicts and told.doubts(allowed) else Decision.PASSED


def last_hold(steps: Sequence[StepReading]) -> StepReading | None:
    """The last step that the run's gates judge."""
    return next((step for step in reversed(steps) if step.phase in (Phase.CONFIRM, Phase.SMOKE)), None)


def lowest_failed(steps: Sequence[StepReading], high: float | None) -> StepReading | None:
    """The step at the lowest failed load."""
    tried = (*SEARCHING, Phase.CONFIRM, Phase.SMOKE)
    own = [step for step in steps if step.load == high and step.phase in tried]
    return next((step for step in own if step.decision is Decision.FAILED), own[0] if own else None)


def _looked(hold: StepReading | None) -> tuple[float | None, float | None]:
    """One look says on which side of the knee its load is, and no more."""
    if hold is None:
        return None, None
    return (
        hold.load if hold.decision is Decision.PASSED else None,
        hold.load if hold.decision is Decision.FAILED else None,
    )


def _limited_by(plan: CapacityPlan, search: Search, steps: Sequence[StepReading]) -> Limit | None:
    knee = search.knee
    asked = search.next() if not plan.smoke else None
    if plan.smoke or (asked is None and knee.low is not None and knee.high is not None):
        return None
    if plan.cut and (asked is not None or any(step.decision is Decision.CUT for step in steps)):
        return Limit.INTERRUPTED
    if asked is not None:
        return Limit.BUDGET
    if search.wall is not None and knee.high is None:
        return Limit.TESTER
    if knee.low is not None and knee.high is None:
        return Limit.TESTER if plan.ceiling_by == "tester" else Limit.MAX
    return None


_WHY = {
    Limit.MAX: "the highest load that was allowed",
    Limit.TESTER: "the most that the tester itself can do",
    Limit.BUDGET: "the budget was used up",
    Limit.INTERRUPTED: "the search was interrupted",
}


def _found(knee: Knee, plan: CapacityPlan) -> str:
    who = knee.who
    unit, low, high = plan.unit, knee.low, knee.high
    binds = listed([named(each) for each in knee.binds]) if knee.binds else ""
    asides = [f"{binds} {'bind' if len(knee.binds) > 1 else 'binds'}"] if binds else []
    asides += [_WHY[knee.limited_by]] if knee.limited_by else []
    aside = f" ({'; '.join(asides)})" if asides else ""
    if plan.smoke:
        at = loaded(plan.start, unit)
        if low is not None:
            return f"{who} takes {at} without callers noticing"
        return f"{who} does not take {at}{aside}" if high is not None else f"{who} at {at}: not decided"
    if low is not None and high is not None:
        return f"{who} carries {written(low, high)} {unit} before callers notice{aside}"
    if low is not None:
        return f"{who} carries {loaded(low, unit)} or more{aside}"
    if high is not None:
        return f"{who} does not carry {loaded(high, unit)}, the lowest load tried{aside}"
    return f"how much {who} carries is not known{aside}"


def _held(knee: Knee, plan: CapacityPlan) -> str:
    if knee.held is None:
        return "" if knee.low is None else "; no hold confirmed it"
    at = loaded(knee.held, plan.unit)
    said = "" if plan.smoke else f"; {at} held for {count(knee.hold_calls, 'call')}"
    if knee.hold_broken:
        return f"{said} with {listed(knee.hold_broken)} broken"
    if knee.hold_open:
        return f"{said} with {listed(knee.hold_open)} not decided"
    if not knee.hold_gates:
        return f"{said} with no gate judged"
    if plan.smoke:
        return f" ({count(knee.hold_calls, 'call')})"
    kept = "its one gate kept" if knee.hold_gates == 1 else f"all {knee.hold_gates} gates kept"
    return f"{said} with {kept}" if knee.confirmed is not None else f"{said}, but the tester fell short"


def named(criterion: str) -> str:
    """A criterion in words, without its limit."""
    (one,) = read(criterion)
    name = one.name.partition("<=")[0]
    return (
        name.removesuffix("_s")
        .replace("ring_to_answer", "ring-to-answer")
        .replace("post_dial_delay", "post-dial delay")
        .replace("_", " ")
    )


def beside_each_other(knees: Sequence[Knee], unit: str) -> list[str]:
    """Each knee beside the first of its run and network, and beside the first run's of its arm, in words.

    Intervals that do not overlap are apart; those that do show no difference.
    """
    said = []
    for knee in knees:
        same_run = [one for one in knees if (one.run_id, one.profile) == (knee.run_id, knee.profile)]
        same_arm = [one for one in knees if (plain(one.arm), one.profile) == (plain(knee.arm), knee.profile)]
        for first, before in ((same_run[0], False), (same_arm[0], True)):
            if first is not knee and (text := _beside(first, knee, unit, before=before)):
                said.append(text)
    return said


def plain(arm: str) -> str:
    """An arm's name in its own run, where runs stand side by side."""
    return arm.partition("@")[0]


def _beside(first: Knee, knee: Knee, unit: str, *, before: bool) -> str | None:
    low, high = knee.low or 0.0, knee.high if knee.high is not None else float("inf")
    first_low, first_high = first.low or 0.0, first.high if first.high is not None else float("inf")
    aside = " The runs are of different times: nothing was dealt by lot." if before else ""
    told = f"{knee.who} carries {knee.interval} {unit}, {first.arm} {first.interval}"
    if "not known" in (knee.interval, first.interval):
        return None
    if high <= first_low:
        return f"{told}: {knee.arm} carries less.{aside}"
    if low >= first_high:
        return f"{told}: {knee.arm} carries more.{aside}"
    return f"{told}: the intervals overlap, so no difference is shown.{aside}"
