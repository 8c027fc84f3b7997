"""What a capacity run is asked for, and the stretches that this makes of a load."""

import math
from dataclasses import dataclass

from capacity.criterion import Criterion
from capacity.sequential import LEAST_S, clean_calls, look_calls
from capacity.step import Phase
from capacity.stretch import Axis, Cell, Stretch

CONFIRM_CALLS = 160  # of which 149 clean ones show 2 %
CONFIRM_S = 60.0
REST_S = 3.0  # from a stretch's last end to the next one's first call
HEADROOM = 0.7  # of what the tester can do alone is what it may be asked for
SHED_S = 30.0
RECOVERY_S = 20.0
FEW_CALLS = 20  # at least so many in what only shows and decides nothing
BURSTS = (2, 4, 8, 16, 32)
BURST_CALLS_PER_SECOND = 1000.0
PATIENCE = 4  # times the calls that a clean step takes, after which a step is left undecided
_RING_S = 5.0  # of a load that is too much: steps end soon after that shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a capacity run is asked for; times in seconds, loads as the axis counts them."""

    cells: tuple[Cell, ...]
    axis: Axis
    start: float
    floor: float
    ceiling: float
    precision: float
    criteria: tuple[Criterion, ...]
    alpha: float
    hold_s: float
    warm_up: int
    confirm_calls: int
    budget_s: float
    budget_calls: float = math.inf
    smoke: bool = False

    def calls_per_second(self, load: float) -> float:
        """The rate at which calls arrive; so many conversations at once end within one hold."""
        return load if self.axis is Axis.RATE else load / self.hold_s

    @property
    def share(self) -> float:
        """The largest share of calls that a criterion lets be bad."""
        return max(criterion.share for criterion in self.criteria)

    def step(self, phase: Phase, cell: Cell, load: float) -> Stretch:
        """A step of the search."""
        rate = self.calls_per_second(load)
        clean = clean_calls(self.criteria, self.alpha)
        least = max(math.ceil(rate * LEAST_S), clean)
        return Stretch(
            phase=phase,
            cell=cell,
            load=load,
            calls_per_second=rate,
            calls=max(PATIENCE * clean, 2 * least),
            warm_up=self._fill(load),
            least=least,
            sequential=True,
        )

    def confirm(self, cell: Cell, load: float) -> Stretch:
        """The hold that the run's gates judge."""
        return self._held(Phase.CONFIRM, cell, load, calls=self.confirm_calls, for_s=CONFIRM_S)

    def shed(self, cell: Cell, load: float) -> Stretch:
        """More than it carries, for a while."""
        return self._held(Phase.SHED, cell, load, calls=FEW_CALLS, for_s=SHED_S)

    def recovery(self, cell: Cell, load: float) -> Stretch:
        """Back to what it carries."""
        return self._held(Phase.RECOVERY, cell, load, calls=FEW_CALLS, for_s=RECOVERY_S)

    def burst(self, cell: Cell, size: int) -> Stretch:
        """So many calls at one instant."""
        return Stretch(
            phase=Phase.BURST,
            cell=cell,
            load=size,
            calls_per_second=BURST_CALLS_PER_SECOND,
            calls=size,
        )

    def fixed(self, cell: Cell) -> Stretch:
        """One load, one look."""
        rate = self.calls_per_second(self.start)
        return Stretch(
            phase=Phase.SMOKE,
            cell=cell,
            load=self.start,
            calls_per_second=rate,
            calls=max(self.confirm_calls, look_calls(self.criteria)),
            warm_up=max(self.warm_up, self._fill(self.start)),
        )

    @property
    def judged_calls(self) -> int:
        """Calls of one cell that the run's gates judge, where it comes that far."""
        judged = self.fixed if self.smoke else lambda cell: self.confirm(cell, self.start)
        return judged(self.cells[0]).calls

    @property
    def at_once(self) -> int:
        """Calls that may be up at once, where the tester is measured alone: the search keeps below that."""
        load = self.start if self.smoke else self.ceiling / HEADROOM
        return math.ceil(self.calls_per_second(load) * (self.hold_s + _RING_S)) + max(BURSTS)

    @property
    def least_s(self) -> float:
        """What deciding anything takes: one clean step where the search starts, and its hold."""
        each = sum(self.decided_s(stretch) for stretch in (
            self.step(Phase.BRACKET, self.cells[0], self.start),
            self.confirm(self.cells[0], self.start),
        ))  # fmt: skip
        return each * len(self.cells)

    @property
    def least_calls(self) -> int:
        """The same in calls."""
        step = self.step(Phase.BRACKET, self.cells[0], self.start)
        confirm = self.confirm(self.cells[0], self.start)
        return (step.least + step.warm_up + confirm.calls + confirm.warm_up) * len(self.cells)

    def decided_s(self, stretch: Stretch) -> float:
        """How long a stretch takes on a clean system, with the end of its last calls."""
        return stretch.seconds + self.hold_s + REST_S

    def _held(self, phase: Phase, cell: Cell, load: float, *, calls: int, for_s: float) -> Stretch:
        rate = self.calls_per_second(load)
        return Stretch(
            phase=phase,
            cell=cell,
            load=load,
            calls_per_second=rate,
            calls=max(calls, math.ceil(rate * for_s)),
            warm_up=self._fill(load),
        )

    def _fill(self, load: float) -> int:
        return 0 if self.axis is Axis.RATE else math.ceil(load)
