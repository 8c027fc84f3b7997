"""The same synthetic run folders as the tests of the analysis use."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic run from the fields of `synthetic.Recipe`, into a folder of its own each time."""
    return _writing(tmp_path)


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The same for runs that the tests of a module only read."""
    return _writing(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def write_capacity_run(tmp_path: Path) -> Callable[..., Path]:
    """The same of `synthetic_capacity.CapacityRecipe`."""
    return _writing(tmp_path, capacity=True)


def _writing(place: Path, *, capacity: bool = False) -> Callable[..., Path]:
    synthetic = _generator("synthetic")
    recipe, write_run = synthetic.Recipe, synthetic.write_run
    if capacity:
        synthetic = _generator("synthetic_capacity")
        recipe, write_run = synthetic.CapacityRecipe, synthetic.write_capacity_run
    written: list[Path] = []

    def write(**fields: object) -> Path:
        written.append(write_run(place / f"run-{len(written)}", recipe(**fields)))
        return written[-1]

    return write


def _generator(name: str) -> ModuleType:
    """A module beside the tests of the analysis; test folders are no packages, so it is found here."""
    path = Path(__file__).parents[1] / "analysis" / f"{name}.py"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
