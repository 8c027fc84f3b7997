"""Synthetic run folders for the tests of the analysis."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from analysis.load import load
from analysis.run import Run


def _beside(name: str) -> ModuleType:
    """A generator beside this file; test folders are no packages, so it is loaded by its place."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic run from the fields of `synthetic.Recipe`, into a folder of its own each time."""
    synthetic = _beside("synthetic")
    written: list[Path] = []

    def write(**fields: object) -> Path:
        written.append(synthetic.write_run(tmp_path / f"run-{len(written)}", synthetic.Recipe(**fields)))
        return written[-1]

    return write


@pytest.fixture
def make_run(write_run: Callable[..., Path]) -> Callable[..., Run]:
    """Write a synthetic run and read it."""
    return lambda **fields: load(write_run(**fields))


@pytest.fixture
def write_capacity_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic capacity run from the fields of `CapacityRecipe`, into a folder of its own each time.

    `servers` and `service_s` say what its one arm is; `arms` names several.
    """
    _beside("synthetic")
    synthetic = _beside("synthetic_capacity")
    written: list[Path] = []

    def write(servers: int = 2, service_s: float = 1.2, **fields: object) -> Path:
        deployment = synthetic.Deployment(servers=servers, service_s=service_s)
        recipe = synthetic.CapacityRecipe(**{"arms": (("bounded", deployment),)} | fields)
        written.append(synthetic.write_capacity_run(tmp_path / f"capacity-{len(written)}", recipe))
        return written[-1]

    return write


@pytest.fixture
def make_capacity_run(write_capacity_run: Callable[..., Path]) -> Callable[..., Run]:
    """Write a synthetic capacity run and read it."""
    return lambda **fields: load(write_capacity_run(**fields))
