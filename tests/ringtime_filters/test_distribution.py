"""The package installs by itself into an agent's environment, where a variable is enough to switch it on."""

import ast
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.ringtime_filters.libraries import FILTERS

pytestmark = pytest.mark.system

ROOT = FILTERS.parent
AGENT = """
import multiprocessing, os, sys
from pathlib import Path

def job(path):
    from livekit import rtc
    rtc.AudioFilter("one", path)
    maps = Path("/proc/self/maps").read_text()
    print("memfd:ringtime-plain.so" in maps, "ringtime_filters" in sys.modules, flush=True)
    os._exit(0)

if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[2]).Process(target=job, args=(sys.argv[1],))
    process.start()
    process.join()
"""


def build(into: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Build the wheel with what this environment has."""
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into],
        cwd=FILTERS,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    built = build(folder)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def agent_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an agent's environment: LiveKit's SDK, the wheel, nothing else of this tree."""
    folder = tmp_path_factory.mktemp("agent")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as content:
        content.extractall(packages)
    (packages / "sdk.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def test_the_wheel_holds_the_wrapper_and_nothing_of_the_lab(wheel: Path) -> None:
    """For this platform, compiled, without dependencies."""
    with zipfile.ZipFile(wheel) as content:
        names = {name for name in content.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in content.namelist() if name.endswith("/METADATA"))
        described = content.read(metadata).decode()

    modules = {path.name for path in FILTERS.glob("*.py")} - {"compile.py", "hatch_build.py"}
    libraries = {"bounded.so", "bounded_v2.so"}
    assert names == {f"ringtime_filters/{name}" for name in modules | libraries | {"py.typed"}} | {
        "ringtime_filters.pth"
    }
    assert wheel.name.endswith(f"-py3-none-{sysconfig.get_platform().replace('-', '_')}.whl")
    assert "Requires-Dist" not in described
    assert "License-Expression: Apache-2.0" in described


def test_its_modules_are_for_every_python_that_it_says_it_is_for() -> None:
    """`requires-python` is a promise about syntax at the least."""
    for module in FILTERS.glob("*.py"):
        ast.parse(module.read_text(), feature_version=(3, 10))


def test_a_machine_without_a_compiler_is_told_so(tmp_path: Path) -> None:
    """One sentence with the remedy, and no traceback."""
    built = build(tmp_path, CC="no-such-compiler")

    assert built.returncode != 0
    assert built.stderr.startswith("no C compiler: ")
    assert "install gcc or clang" in built.stderr
    assert "Traceback" not in built.stderr


@pytest.mark.parametrize(
    ("variables", "wrapped"),
    [
        ({}, "False False"),
        ({"RINGTIME_FILTER_DEADLINE_S": "2"}, "True True"),
        ({"RINGTIME_FILTER_MODE": "background"}, "True True"),
    ],
)
@pytest.mark.parametrize("start", ["forkserver", "spawn"])
def test_a_variable_is_enough_in_every_job_process_and_none_is_none(
    agent_python: Path, plain: Path, tmp_path: Path, variables: dict[str, str], wrapped: str, start: str
) -> None:
    """livekit-agents starts jobs either way; where nothing is set, nothing of the package is loaded."""
    program = tmp_path / "agent.py"
    program.write_text(AGENT)
    agent = subprocess.run(
        [agent_python, program, plain, start], env=os.environ | variables, capture_output=True, text=True
    )

    assert agent.stdout.strip() == wrapped, agent.stderr


def test_the_wrapper_can_be_named_to_a_plugin_that_takes_a_path(
    agent_python: Path, plain: Path, tmp_path: Path
) -> None:
    """`python -m ringtime_filters FILTER` prints it, or says what is wrong with the filter."""
    command = [agent_python, "-m", "ringtime_filters"]
    named = subprocess.run([*command, plain], capture_output=True, text=True)
    refused = subprocess.run([*command, tmp_path / "none.so"], capture_output=True, text=True)

    assert Path(named.stdout.strip()).name == "bounded.so"
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"no audio filter at {tmp_path / 'none.so'}")
