"""What the system tests share."""

from collections.abc import Iterator

import pytest

from tests.system.left_up import LeftUp, left_up


@pytest.fixture(scope="session")
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LeftUp]:
    """A LiveKit deployment with a trunk and one agent, `ringtime-one`, that is somebody else's."""
    folder = tmp_path_factory.mktemp("somebodys")
    with left_up(folder, "--arms", "one=none", "--idle-processes", "2", "--livekit-sip", "embedded") as lab:
        yield lab
