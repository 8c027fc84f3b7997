"""How a notebook is told which runs to read: by one environment variable."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

VARIABLE = "RINGTIME_RUNS"
LATEST = Path("runs/latest")


def hand_over(folders: Sequence[Path]) -> dict[str, str]:
    """The variable that names these run folders."""
    return {VARIABLE: os.pathsep.join(map(str, folders))}


def handed_over(environment: Mapping[str, str]) -> list[Path]:
    """The run folders that the variable names; the latest run where there is none."""
    named = environment.get(VARIABLE)
    return [Path(folder) for folder in named.split(os.pathsep)] if named else [find(LATEST)]


def find(folder: Path) -> Path:
    """A folder as it is named from here or from a folder above, where a notebook may have been opened."""
    here = Path.cwd()
    places = (above / folder for above in (here, *here.parents))
    return next((place for place in places if place.is_dir()), folder)
