"""`python -m reports RUN [RUN …]`: rebuild the report of a run, or one over several."""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from analysis.errors import AnalysisError
from reports.build import NotebookError, Report, build
from reports.otlp import HEADERS, CollectorError, encoded, endpoint, headers_of, push
from reports.page import notebooks
from reports.series import identity, series
from reports.step_summary import VARIABLE, append_to_job

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report, print the verdict and where everything lies; returns the verdict's exit code."""
    options = _parser().parse_args(arguments)
    try:
        report = build(
            options.runs,
            baselines=options.baseline,
            out=options.out,
            notebook=options.notebook,
            html=not options.no_html,
        )
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
    for warning in _handed_on(report, options.otlp, os.environ):
        print(f"reports: {warning}", file=sys.stderr)
    return report.summary.exit_code


def _handed_on(report: Report, collector: str | None, environment: Mapping[str, str]) -> Iterator[str]:
    """Give the job's page and the collector their part; what they do not take changes no verdict."""
    try:
        text = next(path for path in report.paths if path.name == "summary.md").read_text(encoding="utf-8")
        append_to_job(text, environment)
    except OSError as error:
        yield f"the job's page has no summary: {error}. {VARIABLE} is to name a file that can be written."
    if collector is None:
        return
    run, summary = report.run, report.summary
    body = encoded(identity(run, summary), series(run, summary), at_unix=run.ended_unix or time.time())
    try:
        push(collector, body, headers_of(environment))
    except CollectorError as error:
        yield f"the figures were not pushed: {error}. They are in metrics.prom all the same."


def _places(names: str) -> list[Path]:
    return [] if names == "none" else [Path(name.strip()) for name in names.split(",")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Read runs and write summary.json, summary.md, junit.xml, metrics.prom and report.html.",
        epilog="Ends with 0 passed, 3 failed, 5 undecided, 4 not valid, 2 for a wrong argument.",
    )
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="a run's folder, such as runs/latest"
    )
    parser.add_argument(
        "--notebook",
        metavar="NAME",
        help=f"{', '.join(notebooks())} (default: capacity of a capacity run, "
        "single for one arm, comparison for several)",
    )
    parser.add_argument(
        "--baseline",
        type=_places,
        metavar="RUN,…",
        help="hold it against these earlier runs, folders or summary.json files; `none`: against nothing "
        "(default: those that the run was started with)",
    )
    parser.add_argument("--out", type=Path, help="where to write (default: the run, or runs/compare-<ids>)")
    parser.add_argument(
        "--otlp",
        type=_collector,
        default=os.environ.get("RINGTIME_OTLP") or None,
        metavar="URL",
        help=f"push the figures to an OpenTelemetry collector, such as http://collector:4318; headers "
        f"that it asks for come from {HEADERS}=name=value,…",
    )
    parser.add_argument("--no-html", action="store_true", help="leave report.html out")
    return parser


def _collector(url: str) -> str:
    try:
        return endpoint(url)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
