"""The same synthetic run folders as the tests of the analysis use."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic run from the fields of `synthetic.Recipe`, into a folder of its own each time."""
    return _writing(tmp_path)


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The same for runs that the tests of a module only read."""
    return _writing(tmp_path_factory.mktemp("runs"))


def _writing(place: Path) -> Callable[..., Path]:
    path = Path(__file__).parents[1] / "analysis" / "synthetic.py"
    if "synthetic" not in sys.modules:
        spec = importlib.util.spec_from_file_location("synthetic", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["synthetic"] = module
        spec.loader.exec_module(module)
    synthetic = sys.modules["synthetic"]
    written: list[Path] = []

    def write(**fields: object) -> Path:
        written.append(synthetic.write_run(place / f"run-{len(written)}", synthetic.Recipe(**fields)))
        return written[-1]

    return write
