"""report.html: a notebook, run, and printed as one page that needs no network."""

from collections.abc import Sequence
from pathlib import Path


class NotebookError(Exception):
    """There is no such notebook, or it did not run to its end."""


def render(notebook: str, runs: Sequence[Path]) -> str:
    raise NotebookError(f"{notebook} {runs}")
