"""Synthetic run folders for the tests of the analysis."""

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.load import load
from analysis.run import Run
from tests.analysis import synthetic, synthetic_capacity


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic run from the fields of `synthetic.Recipe`, into a folder of its own each time."""
    return synthetic.writer(tmp_path)


@pytest.fixture
def make_run(write_run: Callable[..., Path]) -> Callable[..., Run]:
    """Write a synthetic run and read it."""
    return lambda **fields: load(write_run(**fields))


@pytest.fixture
def write_capacity_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic capacity run from the fields of `synthetic_capacity.CapacityRecipe`."""
    return synthetic_capacity.writer(tmp_path)


@pytest.fixture
def make_capacity_run(write_capacity_run: Callable[..., Path]) -> Callable[..., Run]:
    """Write a synthetic capacity run and read it."""
    return lambda **fields: load(write_capacity_run(**fields))
