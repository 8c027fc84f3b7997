"""What a notebook asks: each question is one method, each answer a panel or an exhibit."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import figures, stages
from analysis.dose_line import dose_over_time
from analysis.exhibit import Exhibit
from analysis.load import load
from analysis.pooled import side_by_side
from analysis.run import Run
from analysis.summary import Summary, summarise
from reports.advice import how_sure, what_to_do, why
from reports.handover import handed_over
from reports.panels import Panel, panel


@dataclass(frozen=True, slots=True)
class Reading:
    """One run, or several side by side, read and summed up."""

    run: Run
    summary: Summary

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

    def arms(self) -> Panel:
        """The arms side by side."""
        return panel("arms", summary=self.summary)

    def comparisons(self) -> Panel:
        """The difference between the arms, or that none is shown."""
        return panel("comparisons", summary=self.summary)

    def networks(self) -> Panel | None:
        """How calls fared under each network; nothing where none was tried."""
        if not self.run.emulated and len(self.run.labels) < 2:
            return None
        return panel("networks", summary=self.summary)

    def dose(self) -> Panel | None:
        """What was asked of the network beside what it did."""
        if self.summary.network is None:
            return None
        return panel("dose", network=self.summary.network, runs=len(self.run.run_ids))

    def dose_over_time(self) -> Exhibit | None:
        """The dose over the run."""
        return dose_over_time(self.run)

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
        return panel("validity", summary=self.summary)

    def clocks(self) -> Panel:
        """How well the agent's own clock and the trunk's agree with what was measured."""
        return panel("clocks", clocks=self.summary.clocks, network=self.summary.network)

    def glossary(self) -> Panel:
        """What the words mean."""
        return panel("glossary", run=self.run)

    def provenance(self) -> Panel:
        """How these numbers were made."""
        return panel("provenance", run=self.run, summary=self.summary)

    def _drawn(self, draw: Callable[[Run], Exhibit]) -> Exhibit | Panel:
        return panel("no_calls") if self.run.counted().empty else draw(self.run)


def read(folders: Sequence[Path] | None = None) -> Reading:
    """Read the run folders given, else those that the environment names, else the latest run."""
    run = side_by_side([load(folder) for folder in folders or handed_over(os.environ)])
    return Reading(run, summarise(run))
