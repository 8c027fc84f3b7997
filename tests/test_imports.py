"""Imports point one way, and the heavy or patched libraries stay where they belong."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {
    "analysis",
    "benchmarks",
    "capacity",
    "lab",
    "locustfiles",
    "network",
    "reports",
    "ringtime_filters",
    "rooms",
    "sip",
}
MAY_IMPORT = {
    "locustfiles": {"capacity", "sip"},
    "capacity": {"sip"},
    "sip": {"network"},
    "rooms": set(),
    "ringtime_filters": set(),
    "lab": {"network", "rooms", "ringtime_filters"},
    "network": set(),
    "analysis": {"capacity"},
    "reports": {"analysis"},
    "benchmarks": {"analysis", "capacity", "network", "rooms", "sip"},
}
NEVER = {
    "capacity": {"pandas", "numpy", "scipy", "matplotlib", "livekit", "aiohttp", "asyncio", "threading"},
    "sip": {"pandas", "numpy", "scipy", "matplotlib", "livekit", "aiohttp", "asyncio", "threading"},
    "analysis": {"gevent", "locust", "pjsua2", "livekit"},
    "reports": {"gevent", "locust", "pjsua2", "livekit"},
    "lab": {"gevent", "locust", "pjsua2", "pandas"},
    "rooms": {"gevent", "locust", "pjsua2", "pandas"},
    "network": {"gevent", "locust", "pjsua2", "livekit", "pandas", "asyncio", "threading"},
}
ONLY_IN = {
    "locust": {"sip/dialer.py"},
    "gevent": {"sip/dialer.py"},
    "pjsua2": {"sip/account.py", "sip/endpoint.py", "sip/line.py", "sip/worker.py"},
}


def imports(source: Path) -> Iterator[str]:
    """The top-level names that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


def sources(package: str) -> list[Path]:
    """The Python files of a package."""
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"{package} is empty"
    return found


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_a_package_imports_only_those_below_it(package: str) -> None:
    """Data flows from plan to report; no package knows those that come after it."""
    for source in sources(package):
        strangers = (set(imports(source)) & OURS) - MAY_IMPORT[package] - {package}
        assert not strangers, f"{source.relative_to(ROOT)} imports {strangers}"


@pytest.mark.parametrize("package", sorted(NEVER))
def test_a_package_stays_clear_of_what_does_not_belong_in_its_process(package: str) -> None:
    """Locust's patched processes load no asyncio stack, and the analysis loads nothing of the load side."""
    for source in sources(package):
        unwanted = set(imports(source)) & NEVER[package]
        assert not unwanted, f"{source.relative_to(ROOT)} imports {unwanted}"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_border_library_is_imported_at_its_border_alone(library: str) -> None:
    """What patches, or must not be loaded before a fork, is touched by as few modules as can be."""
    users = {
        str(source.relative_to(ROOT))
        for package in MAY_IMPORT
        for source in sources(package)
        if library in imports(source)
    }
    assert users == ONLY_IN[library]


def test_the_native_sip_stack_is_imported_in_worker_processes_alone() -> None:
    """Whoever imports the dialer has not loaded pjsua2, whose import must come after the fork."""
    unwanted = "{'pjsua2', '_pjsua2', 'numpy', 'pandas', 'livekit', 'aiohttp', 'lab', 'rooms'}"
    program = f"import sys, sip.dialer; print(*sorted({unwanted} & set(sys.modules)))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert loaded.stdout.split() == []
