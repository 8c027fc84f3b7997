"""report.html: a notebook, run, and printed as one page that needs no network."""

from collections.abc import Sequence
from pathlib import Path

import jupytext
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from reports.handover import Read
from reports.kernel import Kernel, NotebookError

HERE = Path(__file__).parent


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


def render(notebook: str, read: Read, title: str, kernel: Kernel) -> str:
    """Run a notebook over some runs and print it.

    Args:
        notebook: its name under reports/notebooks, without suffix.
        read: the runs.
        title: of the page.
        kernel: to run it in.

    Raises:
        NotebookError: there is no such notebook, or a cell failed.
    """
    path = HERE / "notebooks" / f"{notebook}.py"
    if not path.is_file():
        raise NotebookError(f"There is no notebook {notebook!r}; there are: {', '.join(notebooks())}.")
    cells = jupytext.read(path)
    kernel.run(notebook, cells, read)
    cells.cells = answered(cells.cells)
    exporter = HTMLExporter(template_file="template.html.j2", extra_template_paths=[str(HERE)])  # type: ignore[no-untyped-call]
    style = (HERE / "style.css").read_text(encoding="utf-8")
    page, _ = exporter.from_notebook_node(cells, resources={"title": title, "style": style})
    return str(page)
