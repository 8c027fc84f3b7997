"""A large run's report: reading and summing it up, then the whole page."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.synthetic_run import write_run
from benchmarks.taken import taken_by

_SIZES = (1_000, 1_000_000)
_VERDICTS = (0, 3, 4, 5)
_SUMMARY = """
import sys, time
from pathlib import Path
from analysis.load import load
from analysis.summary import summarise
begun_s = time.perf_counter()
summarise(load(Path(sys.argv[1])))
print(time.perf_counter() - begun_s)
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument(
        "--records",
        type=int,
        nargs="+",
        default=list(_SIZES),
        metavar="N",
        help=f"calls of a run (default: {' '.join(map(str, _SIZES))})",
    )
    parser.add_argument(
        "--rooms", action="store_true", help="with what the room's side saw: some eight lines more a call"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the calls (default: %(default)d)")


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One line for each size.

    Raises:
        BenchmarkError: A run was not read, or its report not written.
    """
    for records in options.records:
        with tempfile.TemporaryDirectory(prefix="ringtime-benchmark-") as scratch:
            folder = Path(scratch) / "run"
            written = write_run(folder, records, seed=options.seed, rooms=options.rooms)
            summary = taken_by([sys.executable, "-c", _SUMMARY, str(folder)])
            report = taken_by([sys.executable, "-m", "reports", str(folder)], codes=_VERDICTS)
            yield {
                "records": records,
                "room_events": written.room_events,
                "summary_s": round(float(summary.output), 2),
                "summary_cpu_s": round(summary.cpu_s, 2),
                "summary_memory_mb": round(summary.memory_mb),
                "report_s": round(report.seconds, 2),
                "report_cpu_s": round(report.cpu_s, 2),
                "memory_mb": round(report.memory_mb),
                "html_bytes": (folder / "report.html").stat().st_size,
                "verdict": json.loads((folder / "summary.json").read_text())["verdict"],
            }
