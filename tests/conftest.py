"""What tests of several packages share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.locust_command import LocustCommand


@pytest.fixture
def locust_command(tmp_path: Path) -> Iterator[LocustCommand]:
    """A locust command that is not started yet; whatever is left of it is ended."""
    command = LocustCommand(tmp_path / "runs")
    yield command
    for process in command.relatives():
        process.kill()
    if hasattr(command, "process"):
        command.process.communicate()


_EXIT_STATUS = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the status for the very end."""
    session.config.stash[_EXIT_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without finalising Python where LiveKit's SDK was loaded.

    Its threads call back into Python: one that does so while the interpreter goes is unwound through Rust,
    which aborts the process after all tests have passed.
    """
    if "livekit.rtc" in sys.modules and _EXIT_STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_EXIT_STATUS])
