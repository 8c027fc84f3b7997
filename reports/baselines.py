"""Runs that were kept, read from their folders or from their summary.json alone."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from analysis.errors import BrokenFileError, NotARunFolderError, UnlikeRunsError
from analysis.kept import Kept
from analysis.load import load
from analysis.summary import summarise


def read_kept(places: Sequence[Path]) -> tuple[Kept, ...]:
    """Read baselines, each a run's folder or a file as its summary.json; of a folder the records count.

    Raises:
        AnalysisError: one is not there, cannot be read, or nothing may be held against it.
    """
    kept = tuple(map(_kept, places))
    twice = [run_id for run_id, times in Counter(each.run_id for each in kept).items() if times > 1]
    if twice:
        raise UnlikeRunsError(f"The baseline {twice[0]} is named twice: name each run once.")
    return kept


def _kept(place: Path) -> Kept:
    if (place / "run.json").is_file():
        return Kept.of(summarise(load(place)).document(), str(place))
    path = place / "summary.json" if place.is_dir() else place
    if not path.is_file():
        raise NotARunFolderError(
            f"There is no baseline {place}: name a run's folder or its summary.json, or --baseline none."
        )
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BrokenFileError(f"The baseline {path} cannot be read as JSON: {error}.") from error
    return Kept.of(document, str(path))
