"""What a run of a given size will not be able to say: `python -m reports.preview`, before the first call."""

import argparse
import sys
from collections.abc import Sequence

from analysis.errors import AnalysisError
from analysis.gates import out_of_reach

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one sentence, or nothing where every gate can be decided; 2 where a gate does not exist."""
    parser = argparse.ArgumentParser(prog="python -m reports.preview", description=__doc__)
    parser.add_argument("--arm", required=True, help="the arm that the gates judge")
    parser.add_argument("--calls", type=int, required=True, help="calls that it will have")
    parser.add_argument("--tau", type=float, required=True, metavar="S", help="the ring timeout, s")
    parser.add_argument(
        "--gate", action="append", default=[], type=_gate, metavar="NAME=LIMIT", help="default: all of them"
    )
    options = parser.parse_args(arguments)
    try:
        short = out_of_reach(dict(options.gate), calls=options.calls, tau_s=options.tau)
    except AnalysisError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    if short:
        listed = "; ".join(f"{label} (needs {needed})" for label, needed in short)
        print(f"{options.calls} calls of {options.arm} cannot decide, however clean: {listed}")
    return 0


def _gate(spec: str) -> tuple[str, float]:
    name, _, limit = spec.partition("=")
    return name, float(limit)


if __name__ == "__main__":
    sys.exit(main())
