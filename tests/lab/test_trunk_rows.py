"""Facts about the table of what livekit-sip does: each row is checked by a test, or the docs own up to it."""

import ast
from pathlib import Path

import pytest

from tests.lab.trunk_rows import ROWS, Row

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "trunk.md").read_text()


def _differences() -> list[tuple[str, str]]:
    """Stimulus and livekit-sip's outcome of every line in the page's table of differences."""
    table = PAGE.partition("## What stays different")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return [(cells[0], cells[1]) for cells in lines[2:]]


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.by], ids=lambda row: f"{row.section}: {row.stimulus}"
)
def test_a_row_is_checked_by_a_test_that_exists(row: Row) -> None:
    """Under the name the table gives."""
    module, _, name = row.by.partition("::")
    parsed = ast.parse((HERE / f"test_trunk_{module}.py").read_text())

    assert name in {node.name for node in parsed.body if isinstance(node, ast.FunctionDef)}


def test_the_page_and_the_table_name_the_same_differences() -> None:
    """In the same words and the same order."""
    assert _differences() == [(row.stimulus, row.outcome) for row in ROWS if row.differs]


def test_the_page_names_every_section() -> None:
    """In the table of what is as captured."""
    listed = PAGE.partition("## Against livekit-sip")[2].partition("\n## ")[0]

    for section in {row.section: None for row in ROWS if row.by}:
        rows = sum(row.section == section and not row.differs for row in ROWS)
        assert f"| {section} | {rows} |" in listed
