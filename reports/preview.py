"""What a run will not be able to say, and what it cannot be asked: before the first call."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.asked import Scene, asked, limits_of
from analysis.conditions import conditions_of
from analysis.errors import AnalysisError
from analysis.gates import out_of_reach
from reports.baselines import read_kept

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a sentence, or nothing where every gate can be decided; 2 where one or a baseline is refused."""
    parser = argparse.ArgumentParser(prog="python -m reports.preview", description=__doc__)
    parser.add_argument("settings", type=json.loads, help="run.json as far as it is known")
    parser.add_argument("--calls", type=int, required=True, help="calls that the arm judged will have")
    parser.add_argument(
        "--gate", action="append", default=[], metavar="NAME<=LIMIT", help="default: all of the documentation"
    )
    parser.add_argument("--baseline", action="append", default=[], type=Path, metavar="RUN")
    options = parser.parse_args(arguments)
    settings, search = options.settings, options.settings.get("capacity")
    labels = tuple(settings["network"]["labels"])
    scene = Scene(
        candidate=settings["candidate"],
        arms=tuple(arm["name"] for arm in settings["arms"]),
        profiles=labels,
        is_search=search is not None and not search["smoke"],
        has_baseline=bool(options.baseline),
    )
    try:
        limits = limits_of([asked(gate) for gate in options.gate], scene)
        for kept in read_kept(options.baseline):
            kept.refuse_unlike("this run", conditions_of(settings), beforehand=True)
    except AnalysisError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    short = out_of_reach(limits, calls=options.calls, tau_s=settings["tau_s"], profiles=len(labels))
    if short:
        listed = "; ".join(f"{label} (needs {needed})" for label, needed in short)
        print(f"{options.calls} calls of {scene.candidate} cannot decide, however clean: {listed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
