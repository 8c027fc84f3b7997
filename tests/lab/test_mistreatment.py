"""What the reference filter meets when its request is mistreated at the proxy, and what is written of it."""

import asyncio
import contextlib
import json
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema
import pytest

from lab import mistreatment
from lab.fates import Fates
from lab.fault_log import FaultLog
from lab.faults import parse
from lab.proxy import SettingsProxy
from lab.sites import Site
from tests.lab.filter_client import (
    ANSWERED_WITH_AN_ERROR,
    ENABLED,
    UNREACHABLE,
    initialise,
    initialising,
    token,
)
from tests.locust_command import lines, schema

SERVER_ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
HEAD = b"GET /settings HTTP/1.1\r\nAuthorization: Bearer %s\r\n\r\n" % token("room-7").encode()


@contextlib.asynccontextmanager
async def proxy(folder: Path, spec: str) -> AsyncIterator[int]:
    """The port of a proxy with these faults, before a server that has no settings."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SERVER_ANSWER)
        writer.close()

    log = FaultLog(folder)
    fates = Fates(random.Random(1))
    fates.switch(parse(spec))
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        running = SettingsProxy(server.sockets[0].getsockname(), arm="bounded", fates=fates, log=log)
        try:
            yield await running.listen(Site())
        finally:
            await running.stop()
            log.close()


def held_s(folder: Path, kind: str) -> float:
    """How long the only set-up in the file was held; its line is valid and of this kind."""
    (line,) = lines(folder / "faults.jsonl")
    jsonschema.validate(line, schema("faults"))
    assert (line["arm"], line["room"], line["kind"]) == ("bounded", "room-7", kind)
    held: float = line["held_s"]
    return held


@pytest.mark.parametrize(
    ("spec", "result"),
    [
        ("reset", UNREACHABLE),
        ("truncated", UNREACHABLE),
        ("http-404", ENABLED),
        ("http-429", ANSWERED_WITH_AN_ERROR),
        ("http-503", ANSWERED_WITH_AN_ERROR),
    ],
)
def test_a_filter_that_is_answered_badly_is_answered_at_once(tmp_path: Path, spec: str, result: int) -> None:
    """It is enabled or it is not, but it holds no call."""

    async def exchange() -> int:
        async with proxy(tmp_path, spec) as port:
            return (await initialise(port)).result

    assert asyncio.run(exchange()) == result
    assert held_s(tmp_path, spec) < 1


@pytest.mark.parametrize("spec", ["latency=0.4", "heal=0.4"])
def test_a_filter_that_is_held_for_a_time_is_let_go_to_the_server(tmp_path: Path, spec: str) -> None:
    """It gets the server's answer; what heals does so for the set-ups it holds, too."""

    async def exchange() -> tuple[float, int]:
        async with proxy(tmp_path, spec) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            began_s = asyncio.get_running_loop().time()
            writer.write(HEAD)
            assert await reader.readexactly(len(SERVER_ANSWER)) == SERVER_ANSWER
            took_s = asyncio.get_running_loop().time() - began_s
            writer.close()
            return took_s, (await initialise(port, room="later")).result

    took_s, later = asyncio.run(exchange())

    assert took_s >= 0.35
    assert later == ENABLED
    first = lines(tmp_path / "faults.jsonl")[0]
    assert 0.35 <= first["held_s"] <= took_s
    assert len(lines(tmp_path / "faults.jsonl")) == (2 if spec.startswith("latency") else 1)


@pytest.mark.parametrize("spec", ["silent", "drip", "slow-headers"])
def test_a_filter_without_a_time_limit_is_held_until_it_is_ended(
    tmp_path: Path, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many bytes have dripped; the end of its process ends what is written of it."""
    monkeypatch.setattr(mistreatment, "DRIP_EVERY_S", 0.005)

    async def exchange() -> None:
        async with proxy(tmp_path, spec) as port, initialising(port) as process:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(process.wait(), 0.5)

    asyncio.run(exchange())

    assert held_s(tmp_path, spec) > 0.1


@pytest.mark.parametrize(
    ("spec", "pattern"),
    [
        ("drip", rb"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\nx+"),
        ("slow-headers", rb"HTTP/1.1 200 OK\r\nX-Settings: x+"),
        ("truncated", rb'HTTP/1.1 200 OK\r\n.*Content-Length: 65536\r\n\r\n\{"settings": \{"'),
        ("http-429", rb"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    ],
)
def test_what_is_on_the_wire_is_what_the_fault_says(
    tmp_path: Path, spec: str, pattern: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte after byte where it drips, until the client has had enough."""
    monkeypatch.setattr(mistreatment, "DRIP_EVERY_S", 0.005)

    async def exchange() -> bytes:
        async with proxy(tmp_path, spec) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD)
            got = b""
            while not got.endswith(b"xxx") and (chunk := await reader.read(1000)):
                got += chunk
            writer.close()
            return got

    assert re.fullmatch(pattern, asyncio.run(exchange()), re.DOTALL)


def test_a_reset_is_a_reset(tmp_path: Path) -> None:
    """The client gets RST, not the end of a connection."""

    async def exchange() -> None:
        async with proxy(tmp_path, "reset") as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()

    asyncio.run(exchange())


def test_shares_are_exact_over_real_set_ups(tmp_path: Path) -> None:
    """Of ten set-ups in any order three are refused with 503, two cut short, and five reach the server."""

    async def exchange() -> list[bytes]:
        async with proxy(tmp_path, "http-503:0.3+truncated:0.2") as port:

            async def one() -> bytes:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(HEAD)
                answer = await reader.read()
                writer.close()
                return answer.split(b" ")[1]

            return await asyncio.gather(*(one() for _ in range(10)))

    assert sorted(asyncio.run(exchange())) == [b"200"] * 2 + [b"404"] * 5 + [b"503"] * 3
    kinds = sorted(json.loads(line)["kind"] for line in (tmp_path / "faults.jsonl").read_text().splitlines())
    assert kinds == ["http-503"] * 3 + ["truncated"] * 2
