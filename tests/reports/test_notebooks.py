"""Notebooks as they are opened: in Jupyter, from their own folder, with nothing handed over."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
import pytest

from reports.page import HERE, notebooks
from reports.reading import Reading

WriteRun = Callable[..., Path]


@pytest.mark.parametrize("name", notebooks())
def test_a_notebook_asks_one_question_a_cell_and_holds_no_output(name: str) -> None:
    """Each cell is one call to the reading that exists; each question is in words above it."""
    cells = jupytext.read(HERE / "notebooks" / f"{name}.py").cells
    code = [cell for cell in cells if cell.cell_type == "code"]

    assert code[0].source.endswith("report = read()")
    for cell in code[1:]:
        (statement,) = ast.parse(cell.source).body
        assert isinstance(statement, ast.Expr)
        assert isinstance(statement.value, ast.Call)
        assert isinstance(statement.value.func, ast.Attribute)
        assert hasattr(Reading, statement.value.func.attr)
    assert all(not cell.outputs for cell in code)
    assert all(cell.source.startswith("## ") for cell in cells if cell.cell_type == "markdown")


@pytest.mark.slow
def test_a_notebook_runs_from_its_own_folder_on_the_latest_run(write_run: WriteRun, tmp_path: Path) -> None:
    """Jupyter starts a kernel where the notebook lies; runs/latest is found above it."""
    folder, place, made = tmp_path / "reports" / "notebooks", tmp_path / "runs", tmp_path / "single.ipynb"
    folder.mkdir(parents=True)
    place.mkdir()
    (place / "latest").symlink_to(write_run(arms=(("bounded", "bounded"),), calls=12))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGTIME_")}
    command = [sys.executable, "-m", "jupytext", "--to", "ipynb", "--execute", "--run-path", str(folder)]

    done = subprocess.run(
        [*command, "--output", str(made), str(HERE / "notebooks" / "single.py")],
        env=environment | {"PYTHONPATH": str(HERE.parent)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    shown = [output for cell in nbformat.read(made, 4).cells for output in cell.get("outputs", [])]
    assert len(shown) > 8
    assert all("text/html" in output.data for output in shown)
