"""Measurements of ringtime itself: `python -m benchmarks NAME`, one line of JSON a measurement."""

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks import capacity, engine, lab, media, network, records, report, statistics, timing
from benchmarks.errors import BenchmarkError

_BENCHMARKS = {
    "capacity": capacity,
    "engine": engine,
    "lab": lab,
    "media": media,
    "network": network,
    "records": records,
    "report": report,
    "statistics": statistics,
    "timing": timing,
}


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m benchmarks`."""
    top = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = top.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, benchmark in _BENCHMARKS.items():
        summary = (benchmark.__doc__ or "").partition("\n")[0]
        benchmark.declare(names.add_parser(name, help=summary, description=summary))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark; 0 when it measured, 1 when it could not, 2 for a wrong command line."""
    options = parser().parse_args(arguments)
    try:
        for line in _BENCHMARKS[options.name].measure(options):
            print(json.dumps({"benchmark": options.name, **line}), flush=True)
    except BenchmarkError as error:
        print(f"python -m benchmarks {options.name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
