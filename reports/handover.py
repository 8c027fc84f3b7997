"""How a notebook is told what to show: runs by their names, or as they have been read already."""

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.load import load
from analysis.pooled import side_by_side
from analysis.run import Run
from analysis.summary import Summary, summarise
from reports.baselines import read_kept

VARIABLE = "RINGTIME_RUNS"
LATEST = Path("runs/latest")
_READ = "RINGTIME_READ"


@dataclass(frozen=True, slots=True)
class Read:
    """Runs each by itself, side by side as one, and summed up."""

    runs: tuple[Run, ...]
    run: Run
    summary: Summary


def read_runs(folders: Sequence[Path], baselines: Sequence[Path] | None = None) -> Read:
    """Read run folders, and the runs that they are held against.

    Args:
        folders: one run, or several to stand side by side.
        baselines: by default those that one run was started with, and of several none.

    Raises:
        AnalysisError: one cannot be read, or they must not be compared.
    """
    runs = tuple(load(folder) for folder in folders)
    run = side_by_side(runs)
    if baselines is None:
        baselines = [] if len(runs) > 1 else [Path(place) for place in run.baseline]
    return Read(runs, run, summarise(run, read_kept(baselines)))


def hand_over(read: Read, scratch: Path) -> dict[str, str]:
    """The variable that names what was read, which is left in a folder of ours that nobody else can enter."""
    path = scratch / "read.pickle"
    with path.open("wb") as file:
        pickle.dump(read, file, protocol=5)
    return {_READ: str(path)}


def taken_over(environment: Mapping[str, str]) -> Read:
    """What was handed over; else the runs that the environment names; else the latest run, read now."""
    if path := environment.get(_READ):
        with Path(path).open("rb") as file:
            read: Read = pickle.load(file)  # noqa: S301 - written by `hand_over` for this process
            return read
    return read_runs(handed_over(environment))


def handed_over(environment: Mapping[str, str]) -> list[Path]:
    """The run folders that the variable names; the latest run where there is none."""
    named = environment.get(VARIABLE)
    return [Path(folder) for folder in named.split(os.pathsep)] if named else [find(LATEST)]


def find(folder: Path) -> Path:
    """A folder as it is named from here or from a folder above, where a notebook may have been opened."""
    here = Path.cwd()
    places = (above / folder for above in (here, *here.parents))
    return next((place for place in places if place.is_dir()), folder)
