"""Synthetic run folders for the tests of the analysis."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from analysis.load import load
from analysis.run import Run


def _synthetic() -> ModuleType:
    """The generator beside this file; test folders are no packages, so it is loaded by its place."""
    if "synthetic" not in sys.modules:
        spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["synthetic"] = module
        spec.loader.exec_module(module)
    return sys.modules["synthetic"]


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic run from the fields of `synthetic.Recipe`, into a folder of its own each time."""
    synthetic = _synthetic()
    written: list[Path] = []

    def write(**fields: object) -> Path:
        written.append(synthetic.write_run(tmp_path / f"run-{len(written)}", synthetic.Recipe(**fields)))
        return written[-1]

    return write


@pytest.fixture
def make_run(write_run: Callable[..., Path]) -> Callable[..., Run]:
    """Write a synthetic run and read it."""
    return lambda **fields: load(write_run(**fields))
