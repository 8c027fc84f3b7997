"""Records of calls: writing them, reading them back, and the memory that takes.

Its peers are pandas.read_json and DuckDB, which read the same files as they are: no clock is set right, no
call joined to its room, no duration taken.
"""

import argparse
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.synthetic_run import write_run
from benchmarks.taken import Taken, taken_by

RECORDS = 1_000_000
_ROOT = Path(__file__).parents[1]
_DUCKDB = "duckdb==2.0.0"
# Each prints the seconds that it took, its imports aside.
_TIMED = (
    "import sys, time\n{imports}\nbegun_s = time.perf_counter()\n{work}\nprint(time.perf_counter() - begun_s)"
)
_LOAD = _TIMED.format(
    imports="from pathlib import Path\nfrom analysis.load import load", work="load(Path(sys.argv[1]))"
)
_PANDAS = _TIMED.format(
    imports="import pandas",
    work="pandas.concat([pandas.read_json(file, lines=True) for file in sys.argv[1:]])",
)
_DUCKDB_READS = _TIMED.format(
    imports="import duckdb\nduckdb.execute('set enable_progress_bar = false')",
    work="duckdb.execute('create table calls as select * from read_json(?)', [sys.argv[1:]])",
)


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument(
        "--records", type=int, default=RECORDS, metavar="N", help="calls of the run (default: %(default)d)"
    )
    parser.add_argument(
        "--rooms", action="store_true", help="with what the room's side saw: some eight lines more a call"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the calls (default: %(default)d)")


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One line.

    Raises:
        BenchmarkError: A reader did not come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="ringtime-benchmark-") as scratch:
        folder = Path(scratch) / "run"
        written = write_run(folder, options.records, seed=options.seed, rooms=options.rooms)
        files = sorted(map(str, folder.glob("calls-*.jsonl")))
        loaded = taken_by([sys.executable, "-c", _LOAD, str(folder)])
        duckdb = _duckdb()
        yield {
            "records": written.records,
            "room_events": written.room_events,
            "write_s": round(written.write_s, 2),
            "load_s": _seconds(loaded),
            "cpu_s": round(loaded.cpu_s, 2),
            "memory_mb": round(loaded.memory_mb),
            "pandas_read_json_s": _seconds(taken_by([sys.executable, "-c", _PANDAS, *files])),
            "duckdb_s": _seconds(taken_by([*duckdb, "-c", _DUCKDB_READS, *files])) if duckdb else None,
        }


def _seconds(taken: Taken) -> float:
    return round(float(taken.output), 2)


def _duckdb() -> Sequence[str]:
    """A Python that has DuckDB: this one, or one that uv makes; none where there is neither."""
    if importlib.util.find_spec("duckdb"):
        return [sys.executable]
    uv = shutil.which("uv") or shutil.which("uv", path=_ROOT / ".tools" / "uv" / "bin")
    if uv:
        return [uv, "run", "--quiet", "--no-project", "--python", sys.executable, "--with", _DUCKDB, "python"]
    print("records: no DuckDB here and no uv to fetch it with, so duckdb_s is null", file=sys.stderr)
    return []
