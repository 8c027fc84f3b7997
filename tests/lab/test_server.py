"""Facts about redis and livekit-server as a lab runs them."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from livekit import api

from lab.errors import NotReadyError, ProgramMissingError
from lab.process import free_port
from lab.server import Credentials, LiveKitServer, find_livekit_server, find_redis, livekit_server, redis


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A livekit-server with redis behind it."""
    logs = tmp_path_factory.mktemp("logs")
    with redis(logs) as store, livekit_server(logs, redis=store) as running:
        yield running


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else's program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.system
def test_a_port_that_was_taken_meanwhile_is_given_up_for_another(
    taken: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both programs come up, and what listens on the port is not mistaken for either."""
    ports = [taken, free_port(), taken, free_port()]
    monkeypatch.setattr("lab.server.free_port", lambda *kind: free_port(*kind) if kind else ports.pop(0))

    with redis(tmp_path) as store, livekit_server(tmp_path, redis=store) as server:
        assert taken not in (store.port, server.port)
        assert ports == []


@pytest.mark.system
def test_a_port_that_is_always_taken_is_told_with_the_log(
    taken: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After a few tries the program's own words are passed on."""
    monkeypatch.setattr("lab.server.free_port", lambda *_: taken)

    with (
        pytest.raises(NotReadyError, match=r"redis ended with exit code 1 .*redis\.log is: .*port"),
        redis(tmp_path),
    ):
        pytest.fail("it is up")


@pytest.mark.system
def test_a_server_takes_trunks_as_soon_as_it_is_ready(server: LiveKitServer) -> None:
    """SIP's API, which is off without redis, answers the first request."""

    async def list_trunks() -> int:
        async with api.LiveKitAPI(server.url, server.credentials.key, server.credentials.secret) as livekit:
            return len((await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items)

    assert asyncio.run(list_trunks()) == 0


@pytest.mark.system
def test_a_server_listens_on_loopback_only(server: LiveKitServer) -> None:
    """Neither signalling nor media can be reached from another machine."""
    addresses = {c.laddr.ip for c in psutil.Process(server.child.pid).net_connections("inet")}

    assert addresses == {"127.0.0.1"}


@pytest.mark.system
def test_a_server_writes_neither_key_nor_secret_to_its_command_line_or_log(server: LiveKitServer) -> None:
    """Both travel by environment, which other users cannot read."""
    seen = " ".join(psutil.Process(server.child.pid).cmdline()) + server.child.log.read_text()

    assert server.credentials.secret not in seen
    assert server.credentials.key not in seen


def test_a_secret_is_not_shown() -> None:
    """It is left out of the representation that reaches logs and assertion messages."""
    credentials = Credentials.generate()

    assert credentials.secret not in repr(credentials)


def test_a_missing_redis_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says what is missing and which package has it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(
        ProgramMissingError, match=r"redis-server is not on PATH; .* apt install redis-server"
    ):
        find_redis()


def test_a_server_on_the_path_of_another_series_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The one that `make` builds is taken instead, or the message names the version that was found."""
    other = tmp_path / "livekit-server"
    other.write_text("#!/bin/sh\necho livekit-server version 1.8.0\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("lab.server._BUILT", tmp_path / "absent")

    with pytest.raises(ProgramMissingError, match=r"livekit-server is 1\.8\.0\); run `make`"):
        find_livekit_server()
