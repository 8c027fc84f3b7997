"""What a notebook asks: each question is one method, each answer a panel or an exhibit."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis import by_network, figures, stages
from analysis.capacity import Capacity
from analysis.dose_line import dose_over_time
from analysis.exhibit import Exhibit
from analysis.gates import Verdict
from analysis.greeting import greeting_curves
from analysis.history import history_of
from analysis.history_line import history_line
from analysis.knee import beside_each_other
from analysis.ladder import worst_calls
from analysis.load_curves import load_curves, stages_over_load
from analysis.run import Run
from analysis.search_course import overload_course, search_course
from analysis.summary import Summary
from analysis.waterfall import waterfall
from reports import regression
from reports.advice import how_sure, what_to_do, why
from reports.glossary import glossary_of
from reports.handover import find, read_runs, taken_over
from reports.panels import Panel, Sequel, panel

_LISTED, _DRAWN = 20, 6


@dataclass(frozen=True, slots=True)
class Reading:
    """One run, or several side by side, read and summed up; `runs` are the same each by itself."""

    run: Run
    summary: Summary
    runs: tuple[Run, ...]

    def verdict(self) -> Panel:
        """May it be released, why, how sure, and what to do."""
        return panel(
            "verdict",
            run=self.run,
            summary=self.summary,
            why=why(self.run, self.summary),
            sure=how_sure(self.run, self.summary),
            todo=what_to_do(self.run, self.summary),
        )

    def shortfalls(self) -> Panel | None:
        """What makes the run not valid, before any figure; nothing where it is."""
        if self.summary.verdict is not Verdict.NOT_VALID:
            return None
        return panel("shortfalls", checks=[check for check in self.summary.validity if not check.ok])

    def arms(self) -> Panel:
        """The arms side by side."""
        return panel("arms", summary=self.summary)

    def comparisons(self) -> Panel:
        """The difference between the arms, or that none is shown."""
        return panel("comparisons", summary=self.summary)

    def regression(self) -> Panel | None:
        """What changed since the runs that were kept; nothing where it was held against none."""
        if self.summary.regression is None:
            return None
        return panel(
            "regression",
            said=regression.told(self.summary),
            runs=regression.runs_of(self.summary),
            columns=regression.columns_of(self.summary),
        )

    def networks(self) -> Panel | None:
        """How calls fared under each network; nothing where none was tried."""
        if not self.run.emulated and len(self.run.labels) < 2:
            return None
        return panel("networks", summary=self.summary)

    def knees(self) -> Panel | None:
        """How much each arm carries under each network; nothing where no load was searched for."""
        capacity = self.summary.capacity
        if capacity is None:
            return None
        return panel(
            "knees", run=self.run, capacity=capacity, apart=beside_each_other(capacity.knees, capacity.unit)
        )

    def load_curves(self) -> Exhibit | None:
        """What callers notice as load grows."""
        return self._searched(load_curves)

    def stages_over_load(self) -> Exhibit | None:
        """Where the time goes as load grows."""
        return self._searched(stages_over_load)

    def search_course(self) -> Exhibit | None:
        """Which loads were tried when, and what they came to."""
        return self._searched(search_course)

    def steps(self) -> Panel | None:
        """Every step with its figures."""
        capacity = self.summary.capacity
        return None if capacity is None else panel("steps", capacity=capacity)

    def bursts(self) -> Panel | None:
        """Calls that were all due at one instant."""
        capacity = self.summary.capacity
        return panel("bursts", capacity=capacity) if capacity is not None and capacity.bursts else None

    def overload(self) -> Panel | None:
        """Half as many again as it carries, and whether it recovered."""
        capacity = self.summary.capacity
        return panel("overload", capacity=capacity) if capacity is not None and capacity.shed else None

    def overload_course(self) -> Exhibit | None:
        """The same call by call."""
        return self._searched(overload_course)

    def left_behind(self) -> Panel | None:
        """What was still there after the last call."""
        capacity = self.summary.capacity
        return None if capacity is None else panel("left_behind", leaks=capacity.leaks)

    def tester_alone(self) -> Panel | None:
        """What the tester did against its own answering side."""
        capacity = self.summary.capacity
        return None if capacity is None else panel("tester_alone", capacity=capacity)

    def dose(self) -> Panel | None:
        """What was asked of the network beside what it did."""
        if self.summary.network is None:
            return None
        return panel("dose", network=self.summary.network, runs=len(self.run.run_ids))

    def dose_over_time(self) -> Exhibit | None:
        """The dose over the run."""
        return dose_over_time(self.run)

    def waiting_by_network(self) -> Exhibit | Panel:
        """The same curves, network by network."""
        return self._drawn(by_network.waiting_by_network)

    def answered_within(self) -> Exhibit | Panel:
        """How long the ring lasts that 95 % do not exceed, by arm and network."""
        return self._drawn(lambda run: by_network.answered_within(run, self.summary))

    def opinions(self) -> Exhibit | None:
        """How the voice sounded by arm and network; nothing where no call had one."""
        return by_network.opinions(self.run, self.summary)

    def gates_by_network(self) -> Panel:
        """The candidate's gates under each network alone."""
        return panel("gates_by_network", summary=self.summary)

    def history(self) -> Panel:
        """The headline figures of each run, and which versions changed between them."""
        return panel("history", chapters=history_of(self.runs))

    def history_line(self) -> Exhibit | Panel:
        """The same as a picture."""
        return self._drawn(lambda run: history_line(history_of(self.runs), run.tau_s))

    def worst(self) -> Panel:
        """The calls that were not answered, and the slowest."""
        return panel("worst", run=self.run, ladders=worst_calls(self.run, most=_LISTED))

    def ladders(self) -> Sequel:
        """Of the worst some step by step, each arm and cause first once."""
        drawn = worst_calls(self.run, most=_DRAWN, varied=True)
        return Sequel(tuple(waterfall(self.run, ladder) for ladder in drawn))

    def greeting(self) -> Exhibit | None:
        """How soon after the answer there was a voice; nothing where media were not measured."""
        return greeting_curves(self.run)

    def heard(self) -> Panel | None:
        """How agents answered what was said to them, and whose sound went missing; nothing if not heard."""
        if all(arm.heard is None for arm in self.summary.arms.values()):
            return None
        return panel("heard", run=self.run, summary=self.summary)

    def waiting(self) -> Exhibit | Panel:
        """The curve of callers still waiting."""
        return self._drawn(figures.waiting_curves)

    def time_line(self) -> Exhibit | Panel:
        """Every call over the run."""
        return self._drawn(figures.time_line)

    def stages(self) -> Exhibit | Panel:
        """Where the time of chosen calls went."""
        return self._drawn(stages.where_time_went)

    def causes(self) -> Panel:
        """Why calls were slow or never answered."""
        return panel("causes", run=self.run, summary=self.summary)

    def foretold(self) -> Exhibit | Panel:
        """The prediction from the manufactured faults beside the measurement."""
        if not self.summary.prediction or self.run.counted().empty:
            return panel("nothing_foretold")
        return figures.foretold(self.run, self.summary.prediction)

    def outcomes(self) -> Panel:
        """Outcomes and the ratios of RFC 6076."""
        return panel("outcomes", summary=self.summary)

    def gates(self) -> Panel:
        """Every gate with its value, bound and size."""
        return panel("gates", summary=self.summary)

    def validity(self) -> Panel:
        """Whether the tester was good enough, and what to know before believing it."""
        return panel("validity", run=self.run, summary=self.summary)

    def clocks(self) -> Panel:
        """How well the agent's own clock and the trunk's agree with what was measured."""
        return panel("clocks", clocks=self.summary.clocks, network=self.summary.network)

    def glossary(self) -> Panel:
        """What the words mean."""
        return panel("glossary", words=glossary_of(self.run))

    def provenance(self) -> Panel:
        """How these numbers were made."""
        return panel("provenance", run=self.run, summary=self.summary)

    def _searched(self, draw: Callable[[Run, Capacity], Exhibit | None]) -> Exhibit | None:
        capacity = self.summary.capacity
        return None if capacity is None else draw(self.run, capacity)

    def _drawn(self, draw: Callable[[Run], Exhibit]) -> Exhibit | Panel:
        return panel("no_calls") if self.run.counted().empty else draw(self.run)


def read(*folders: Path | str) -> Reading:
    """Read the runs named, such as "runs/latest"; else those handed over, else the latest run."""
    read = read_runs([find(Path(folder)) for folder in folders]) if folders else taken_over(os.environ)
    return Reading(read.run, read.summary, read.runs)
