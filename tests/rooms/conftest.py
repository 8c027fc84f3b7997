"""What the tests of the room's side share."""

from collections.abc import Iterator

import pytest

from lab.server import LiveKitServer, livekit_server, redis


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A livekit-server with redis behind it."""
    logs = tmp_path_factory.mktemp("logs")
    with redis(logs) as store, livekit_server(logs, redis=store) as running:
        yield running
