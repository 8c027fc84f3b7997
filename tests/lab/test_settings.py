"""The settings proxy passes a server's traffic on and holds exactly the set-ups it was told to hold."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lab.control import answering, ask
from lab.fates import Fates
from lab.fault_log import FaultLog
from lab.faults import parse
from lab.settings import Settings, SettingsProxy, control_socket, is_set_up, room_of
from tests.lab.filter_client import ENABLED, UNREACHABLE, initialise, token
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
            yield proxy, await proxy.start(), seen
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


@contextlib.asynccontextmanager
async def running_settings(folder: Path, *, http_only: bool = False) -> AsyncIterator[tuple[Path, int]]:
    """An arm's settings before a server that is not there: where they take questions, and the port."""
    log = FaultLog(folder)
    settings = Settings(("127.0.0.1", 1), arm="old", seed=1, log=log, http_only=http_only)
    socket = control_socket(folder, "old")
    async with answering(socket, settings.answer):
        try:
            yield socket, await settings.proxy.start()
        finally:
            await settings.proxy.stop()
            await settings.endpoints.close()
            log.close()


async def environment(socket: Path, room: str) -> Mapping[str, Any]:
    """What a room's filter is told by way of its environment."""
    told: Mapping[str, Any] = (await ask(socket, {"set_up": room}))["environment"]
    return told


def test_a_filter_that_asks_where_to_ask_meets_the_share_that_is_due(tmp_path: Path) -> None:
    """Half of the set-ups are told of a closed port, the other half ask at the proxy and have no settings."""

    async def exchange() -> list[tuple[bool, int]]:
        async with running_settings(tmp_path) as (socket, port):
            await ask(socket, {"filter_fault": "refused:0.5+http-404:0.5"})
            outcomes = []
            for room in "abcd":
                told = await environment(socket, room)
                initialised = await initialise(port, room=room, environment=told)
                outcomes.append((bool(told), initialised.result))
            return outcomes

    assert sorted(asyncio.run(exchange())) == [(False, ENABLED)] * 2 + [(True, UNREACHABLE)] * 2
    assert {str(line["room"]) for line in written(tmp_path)} == set("abcd")


def test_faults_are_exchanged_from_the_next_set_up_on_and_that_is_written_down(tmp_path: Path) -> None:
    """None at first, then those asked for, then none again."""

    async def exchange() -> list[int]:
        async with running_settings(tmp_path) as (socket, port):
            results = []
            for spec in ("http-404", "http-503", "none"):
                assert await ask(socket, {"filter_fault": spec}) == {"filter_fault": spec}
                results.append((await initialise(port)).result)
            return results

    ok, refused, unreachable = asyncio.run(exchange())

    assert (ok, unreachable) == (ENABLED, UNREACHABLE)
    assert refused not in (ENABLED, UNREACHABLE)
    switches = lines(tmp_path / "fault-switches.jsonl")
    for line in switches:
        jsonschema.validate(line, schema("fault-switches"))
    assert [(line["arm"], line["filter_fault"]) for line in switches] == [
        ("old", "http-404"), ("old", "http-503"), ("old", "none"),
    ]  # fmt: skip
    assert [line["kind"] for line in written(tmp_path)] == ["http-404", "http-503"]


def test_faults_that_cannot_be_leave_those_in_force(tmp_path: Path) -> None:
    """The answer is the reason, and nothing is written down."""

    async def exchange() -> list[Mapping[str, Any]]:
        async with running_settings(tmp_path, http_only=True) as (socket, _):
            return [
                await ask(socket, {"filter_fault": spec}) for spec in ("loud", "silent:0.2+blackhole:0.1")
            ]

    unknown, below_http = asyncio.run(exchange())

    assert "no fault is named 'loud'" in unknown["error"]
    assert "blackhole needs an endpoint of the filter's own" in below_http["error"]
    assert lines(tmp_path / "fault-switches.jsonl") == []


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
