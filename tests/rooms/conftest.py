"""What the tests of the room's side share."""

from collections.abc import Iterator

import pytest

from lab.server import LiveKitServer, livekit_server, redis
from tests.agents import failing_agents


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A livekit-server with redis behind it."""
    logs = tmp_path_factory.mktemp("logs")
    with redis(logs) as store, livekit_server(logs, redis=store) as running:
        yield running


@pytest.fixture(scope="session")
def failing(server: LiveKitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an agent that has a worker, and fails before it connects."""
    with failing_agents(server, {"failing": "before"}, logs=tmp_path_factory.mktemp("agent")):
        yield "failing"
