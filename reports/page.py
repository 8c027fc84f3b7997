"""report.html: a notebook, run, and printed as one page that needs no network."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jupytext
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from traitlets.config import Config

from reports.handover import Read, hand_over

HERE = Path(__file__).parent
CELL_TIMEOUT_S = 300


class NotebookError(Exception):
    """There is no such notebook, or it did not run to its end."""


def notebooks() -> list[str]:
    """The names of the notebooks there are."""
    return sorted(path.stem for path in (HERE / "notebooks").glob("*.py"))


def answered(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The cells without the questions (markdown) whose cells below gave no answer at all."""
    kept: list[NotebookNode] = []
    told = False
    for cell in reversed(cells):
        is_question = cell.cell_type == "markdown"
        if told if is_question else cell.outputs:
            kept.append(cell)
        told = not is_question and (told or bool(cell.outputs))
    return kept[::-1]


def render(notebook: str, read: Read, title: str) -> str:
    """Run a notebook over some runs and print it.

    Args:
        notebook: its name under reports/notebooks, without suffix.
        read: the runs.
        title: of the page.

    Raises:
        NotebookError: there is no such notebook, or a cell failed.
    """
    path = HERE / "notebooks" / f"{notebook}.py"
    if not path.is_file():
        raise NotebookError(f"There is no notebook {notebook!r}; there are: {', '.join(notebooks())}.")
    cells = jupytext.read(path)
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            **os.environ,
            **hand_over(read, Path(scratch)),
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]).rstrip(
                os.pathsep
            ),
            # The kernel leaves neither history nor connection files behind.
            "IPYTHONDIR": scratch,
            "JUPYTER_RUNTIME_DIR": scratch,
            "MPLBACKEND": "agg",
        }
        client = NotebookClient(
            cells,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            resources={"metadata": {"path": scratch}},
            # Sockets in a folder of our own instead of ports that any user of the machine could reach.
            config=Config(
                {"AsyncKernelManager": {"transport": "ipc", "connection_file": f"{scratch}/kernel.json"}}
            ),
        )
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            last = str(error).strip().splitlines()[-1]
            raise NotebookError(f"The notebook {notebook!r} did not run to its end: {last}.") from error
    cells.cells = answered(cells.cells)
    exporter = HTMLExporter(template_file="template.html.j2", extra_template_paths=[str(HERE)])  # type: ignore[no-untyped-call]
    style = (HERE / "style.css").read_text(encoding="utf-8")
    page, _ = exporter.from_notebook_node(cells, resources={"title": title, "style": style})
    return str(page)
