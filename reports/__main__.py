"""`python -m reports RUN [RUN …]`: rebuild the report of a run, or one over several."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.errors import AnalysisError
from reports.build import NotebookError, build
from reports.page import notebooks

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report, print the verdict and where everything lies; returns the verdict's exit code."""
    options = _parser().parse_args(arguments)
    try:
        report = build(options.runs, out=options.out, notebook=options.notebook, html=not options.no_html)
    except (AnalysisError, NotebookError) as error:
        print(f"reports: {error}", file=sys.stderr)
        return USAGE_ERROR
    except OSError as error:
        print(
            f"reports: the report cannot be written: {error}. Name another place with --out.", file=sys.stderr
        )
        return USAGE_ERROR
    print(f"{report.summary.verdict}: {report.summary.sentence}")
    for path in report.paths:
        print(f"  {path}")
    return report.summary.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Read runs and write summary.json, summary.md, junit.xml and report.html.",
        epilog="Ends with 0 passed, 3 failed, 5 undecided, 4 not valid, 2 for a wrong argument.",
    )
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="a run's folder, such as runs/latest"
    )
    parser.add_argument(
        "--notebook",
        metavar="NAME",
        help=f"{', '.join(notebooks())} (default: single for one arm, comparison for several)",
    )
    parser.add_argument("--out", type=Path, help="where to write (default: the run, or runs/compare-<ids>)")
    parser.add_argument("--no-html", action="store_true", help="leave report.html out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
