"""The same synthetic run folders as the tests of the analysis use."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.analysis import synthetic, synthetic_capacity


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic run from the fields of `synthetic.Recipe`, into a folder of its own each time."""
    return synthetic.writer(tmp_path)


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The same for runs that the tests of a module only read."""
    return synthetic.writer(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def write_capacity_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic capacity run from the fields of `synthetic_capacity.CapacityRecipe`."""
    return synthetic_capacity.writer(tmp_path)
