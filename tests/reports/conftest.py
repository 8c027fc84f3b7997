"""The same synthetic run folders as the tests of the analysis use."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


def _generator(name: str) -> ModuleType:
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "analysis" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic run from the fields of `synthetic.Recipe`, into a folder of its own each time."""
    return _writing(tmp_path)


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The same for runs that the tests of a module only read."""
    return _writing(tmp_path_factory.mktemp("runs"))


def _writing(place: Path) -> Callable[..., Path]:
    synthetic = _generator("synthetic")
    written: list[Path] = []

    def write(**fields: object) -> Path:
        written.append(synthetic.write_run(place / f"run-{len(written)}", synthetic.Recipe(**fields)))
        return written[-1]

    return write


@pytest.fixture
def write_capacity_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a synthetic capacity run from the fields of `CapacityRecipe`, as the tests of the analysis do."""
    _generator("synthetic")
    synthetic = _generator("synthetic_capacity")
    written: list[Path] = []

    def write(servers: int = 2, service_s: float = 1.2, **fields: object) -> Path:
        deployment = synthetic.Deployment(servers=servers, service_s=service_s)
        recipe = synthetic.CapacityRecipe(**{"arms": (("bounded", deployment),)} | fields)
        written.append(synthetic.write_capacity_run(tmp_path / f"capacity-{len(written)}", recipe))
        return written[-1]

    return write
