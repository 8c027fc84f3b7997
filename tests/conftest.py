"""What tests of several packages share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.locust_command import LocustCommand
from tests.visitors import Visitors


@pytest.fixture
def locust_command(tmp_path: Path) -> Iterator[LocustCommand]:
    """A locust command that is not started yet; whatever is left of it is ended."""
    command = LocustCommand(tmp_path / "runs")
    yield command
    for process in command.relatives():
        process.kill()
    if hasattr(command, "process"):
        command.process.communicate()


@pytest.fixture(scope="session")
def visitors() -> Iterator[Visitors]:
    """Those who join rooms through LiveKit's SDK."""
    process = Visitors()
    yield process
    process.close()
