"""Facts about wrapped filters in a real room of a real LiveKit server, under the SDK's own FFI."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.server import LiveKitServer, livekit_server, redis
from tests.ringtime_filters.libraries import FILTERS, HERE, compiled

pytestmark = pytest.mark.system

PROGRAM = Path(__file__).with_name("filtered_room.py")
STALL_S = 0.5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A livekit-server for this module."""
    logs = tmp_path_factory.mktemp("livekit")
    with redis(logs) as store, livekit_server(logs, redis=store) as running:
        yield running


class Listening:
    """A listener behind a filter that hangs until it is told otherwise."""

    def __init__(self, server: LiveKitServer, mode: str, folder: Path) -> None:
        self.hanging = compiled(folder / "hanging.so", HERE / "scripted.c", "-DWITH_V2", "-DGAIN=0")
        results, self.pipe = os.pipe()
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, server.url, mode, str(STALL_S), self.hanging],
                env=os.environ
                | server.environment
                | {"PYTHONPATH": str(FILTERS.parent), "SCRIPTED_FD": str(results)},
                pass_fds=[results],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        os.close(results)

    def says(self) -> dict[str, float]:
        """Its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        said: dict[str, float] = json.loads(line)
        return said

    def end(self) -> None:
        """Leave nothing of it."""
        self.process.kill()
        self.process.communicate()
        os.close(self.pipe)


@pytest.fixture
def listening(request: pytest.FixtureRequest, server: LiveKitServer, tmp_path: Path) -> Iterator[Listening]:
    """A listener, in the mode that the test's parameter names."""
    listener = Listening(server, request.param, tmp_path)
    yield listener
    listener.end()


@pytest.mark.parametrize("listening", ["deadline"], indirect=True)
def test_a_filter_that_hangs_delays_a_connection_by_its_deadline_and_the_audio_is_heard(
    listening: Listening,
) -> None:
    """The FFI is told of a failure, logs it and goes on without the filter."""
    connected_s = listening.says()["connected_s"]
    heard = listening.says()

    assert STALL_S <= connected_s < STALL_S + 5  # without the wrapper it would never come
    assert heard["level"] > 0
    log = listening.log.read_text()
    assert "ringtime_filters: hanging.so: initialisation not finished after 0.5" in log
    assert "audio filter disabled, continuing without it" in log


@pytest.mark.parametrize("listening", ["background"], indirect=True)
def test_in_background_audio_passes_at_the_rate_asked_for_and_then_through_the_filter(
    listening: Listening,
) -> None:
    """The listener asked for half the codec's rate, which a filter with two rates has to deliver."""
    connected_s = listening.says()["connected_s"]
    unfiltered = listening.says()
    os.write(listening.pipe, b"\x00")
    filtered = listening.says()

    assert connected_s < STALL_S + 5
    assert unfiltered["rate_hz"] == filtered["rate_hz"] == 24000
    assert (unfiltered["level"] > 0, filtered["level"]) == (True, 0)
    assert "hanging.so: initialised in" in listening.log.read_text()
