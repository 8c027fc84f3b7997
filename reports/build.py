"""Everything that `python -m reports` writes."""

import json
import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from analysis.run import Run
from analysis.summary import Summary
from reports.handover import read_runs
from reports.junit import junit
from reports.kernel import Kernel, NotebookError
from reports.markdown import markdown
from reports.page import render
from reports.prometheus import exposition
from reports.series import identity, series

__all__ = ["NotebookError", "Report", "build"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was read, and the files that say so."""

    run: Run
    summary: Summary
    paths: tuple[Path, ...]


def build(
    runs: Sequence[Path],
    *,
    baselines: Sequence[Path] | None = None,
    out: Path | None = None,
    notebook: str | None = None,
    html: bool = True,
    kernel: Kernel | None = None,
) -> Report:
    """Read the runs and write their report.

    Args:
        runs: run folders or links to them.
        baselines: runs that they are held against (`read_runs`).
        out: where to; by default into the run itself, or `compare-<ids>` beside the runs when there are
            several.
        notebook: name of a notebook under reports/notebooks, without its suffix; by default `capacity` for
            a capacity run, `single` for one arm, else `comparison`.
        html: whether to run the notebook and print it.
        kernel: to run it in; by default one for this report alone.

    Raises:
        AnalysisError: a run cannot be read, or the runs must not stand side by side.
        NotebookError: there is no such notebook, or it does not run.
        OSError: the place cannot be written to.
    """
    read = read_runs(runs, baselines)
    summary = read.summary
    place = out or _place([folder.resolve() for folder in runs], read.run.run_ids)
    place.mkdir(parents=True, exist_ok=True)
    texts = {
        "summary.json": json.dumps(summary.document(), indent=1, allow_nan=False) + "\n",
        "summary.md": markdown(read.run, summary),
        "junit.xml": junit(read.run, summary),
        "metrics.prom": exposition(identity(read.run, summary), series(read.run, summary)),
    }
    if html:
        chosen = notebook or _notebook(summary)
        with nullcontext(kernel) if kernel is not None else Kernel() as running:
            texts["report.html"] = render(chosen, read, _title(summary), running)
    return Report(read.run, summary, tuple(_write(place / name, text) for name, text in texts.items()))


def _place(folders: Sequence[Path], run_ids: Sequence[str]) -> Path:
    if len(folders) == 1:
        return folders[0]
    return folders[0].parent / f"compare-{'-'.join(run_id.rsplit('-', 1)[-1] for run_id in run_ids)}"


def _notebook(summary: Summary) -> str:
    if summary.capacity is not None:
        return "capacity"
    return "comparison" if len(summary.arms) > 1 else "single"


def _title(summary: Summary) -> str:
    if summary.capacity is not None:
        return f"How many calls it carries before callers notice: {', '.join(summary.arms)}"
    return f"How long callers hear it ring: {', '.join(summary.arms)}"


def _write(path: Path, text: str) -> Path:
    """Whole or not at all: a reader never sees half a file."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
    return path
