"""The settings proxy passes a server's traffic on and holds exactly the set-ups it was told to hold."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema
import pytest

from lab.fates import Fates
from lab.fault_log import FaultLog
from lab.faults import parse
from lab.proxy import SettingsProxy, is_set_up, room_of
from lab.sites import Site
from tests.lab.filter_client import token
from tests.locust_command import lines, schema

TOKEN = token("room-7")
SET_UP = b"GET /settings HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n\r\n" % TOKEN.encode()
SERVER_ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@contextlib.asynccontextmanager
async def running_proxy(folder: Path, spec: str) -> AsyncIterator[tuple[SettingsProxy, int, list[bytes]]]:
    """A proxy before a server that keeps each first message, answers it, and then echoes."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(SERVER_ANSWER)
        while chunk := await reader.read(1000):
            writer.write(chunk)
        writer.close()

    log = FaultLog(folder)
    fates = Fates(random.Random(1))
    fates.switch(parse(spec))
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        upstream = server.sockets[0].getsockname()
        proxy = SettingsProxy(upstream, arm="bounded", fates=fates, log=log)
        try:
            yield proxy, await proxy.listen(Site()), seen
        finally:
            await proxy.stop()
            log.close()


@contextlib.asynccontextmanager
async def client(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the proxy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


def written(folder: Path) -> list[dict[str, object]]:
    """The lines of the faults file, each valid under the schema."""
    found = lines(folder / "faults.jsonl")
    for line in found:
        jsonschema.validate(line, schema("faults"))
    return found


def test_a_connection_that_is_no_set_up_is_passed_on_both_ways(tmp_path: Path) -> None:
    """The server gets the very bytes the client sent, first and later, and the client the server's."""
    request = b"GET /rtc/v1?access_token=t HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"

    async def exchange() -> tuple[bytes, list[bytes]]:
        async with running_proxy(tmp_path, "silent") as (_, port, seen), client(port) as (reader, writer):
            writer.write(request)
            answer = await reader.readexactly(len(SERVER_ANSWER))
            writer.write(b"\x00\xff frame")
            answer += await reader.readexactly(8)
            return answer, seen

    answer, seen = asyncio.run(exchange())

    assert answer == SERVER_ANSWER + b"\x00\xff frame"
    assert seen == [request]
    assert written(tmp_path) == []


def test_a_spared_set_up_reaches_the_server(tmp_path: Path) -> None:
    """What is not mistreated is the server's to answer."""

    async def exchange() -> bytes:
        async with running_proxy(tmp_path, "none") as (_, port, _seen), client(port) as (reader, writer):
            writer.write(SET_UP)
            writer.write_eof()
            return await reader.read()

    assert asyncio.run(exchange()) == SERVER_ANSWER
    assert written(tmp_path) == []


def test_a_silent_set_up_gets_no_byte_and_is_written_down_when_the_client_gives_up(tmp_path: Path) -> None:
    """The line names the arm and the room of the token, and never holds the token."""

    async def exchange() -> list[bytes]:
        async with running_proxy(tmp_path, "silent") as (_, port, seen), client(port) as (reader, writer):
            writer.write(SET_UP)
            writer.write_eof()
            assert await reader.read() == b""  # the proxy closes once we have, and only then
            return seen

    seen = asyncio.run(exchange())

    assert seen == []
    (line,) = written(tmp_path)
    assert (line["arm"], line["room"], line["kind"]) == ("bounded", "room-7", "silent")
    assert TOKEN not in (tmp_path / "faults.jsonl").read_text()


def test_a_set_up_that_is_held_when_the_proxy_stops_is_written_down(tmp_path: Path) -> None:
    """The end of the run loses no fault."""

    async def exchange() -> bytes:
        async with running_proxy(tmp_path, "drip") as (proxy, port, _), client(port) as (reader, writer):
            writer.write(SET_UP)
            head = await reader.readuntil(b"\r\n\r\n")
            await proxy.stop()
            return head

    assert asyncio.run(exchange()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(written(tmp_path)) == 1


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        (b"GET /settings HTTP/1.1", True),
        (b"GET /settings?v=2 HTTP/1.1", True),
        (b"GET /settings/regions HTTP/1.1", False),
        (b"GET / HTTP/1.1", False),
        (b"\x16\x03\x01", False),
    ],
)
def test_only_a_request_for_settings_is_a_set_up(request_line: bytes, expected: bool) -> None:
    """Everything else is the agent's own traffic."""
    assert is_set_up(request_line + b"\r\n\r\n") is expected


@pytest.mark.parametrize("token", [b"", b"no.jwt", b"a.b.c", b"a.bnVsbA.c", b"a.eyJ2aWRlbyI6MX0.c"])
def test_a_token_that_names_no_room_gives_none(token: bytes) -> None:
    """A strange token does not disturb the proxy."""
    assert room_of(b"GET /settings HTTP/1.1\r\nAuthorization: Bearer " + token + b"\r\n\r\n") is None
