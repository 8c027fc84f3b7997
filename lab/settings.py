"""What an arm's agents take for their server: passes everything on, but mistreats a share of set-ups."""

import argparse
import asyncio
import base64
import binascii
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.control import Answer, answering
from lab.endpoints import Endpoints
from lab.errors import LabError
from lab.fates import Fates
from lab.fault_log import FaultLog, Holding, Switched
from lab.faults import NO_FAULT, parse, require_http
from lab.mistreatment import mistreat
from lab.process import die_with_parent
from rooms.lifetime import ending

_HEAD_LIMIT_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024


class SettingsProxy:
    """Listens in front of a server; a connection that begins with GET /settings is a set-up."""

    def __init__(self, upstream: tuple[str, int], *, arm: str, fates: Fates, log: FaultLog) -> None:
        """Pass on to `upstream`, a host and port, and let `fates` say what befalls each set-up."""
        self._upstream = upstream
        self._arm = arm
        self._fates = fates
        self._log = log
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> int:
        """Listen on `port` of 127.0.0.1, or on a free one, and return it."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=_HEAD_LIMIT_BYTES)
        address: tuple[str, int] = self._server.sockets[0].getsockname()
        return address[1]

    async def stop(self) -> None:
        """Stop listening and drop every connection; a set-up that is being held is written down first."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of its own: asyncio would report the cancellation of the one that it makes for this.
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                if await self._let_through(head, reader, writer):
                    await self._pass_on(head, reader, writer)
            finally:
                writer.close()

    async def _let_through(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the server is to see the request, after what it had to meet on the way."""
        if not is_set_up(head):
            return True
        room = room_of(head)
        fate = self._fates.meet(room)
        if fate is None or fate.fault.kind.below_http:  # whoever asks here was told of no endpoint of its own
            return True
        holding = Holding(self._log, arm=self._arm, room=room, kind=str(fate.fault))
        try:
            return await mistreat(fate, reader, writer)
        finally:
            holding.end()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._upstream)
        server_writer.write(head)
        try:
            await asyncio.gather(_copy(reader, server_writer), _copy(server_reader, writer))
        finally:
            server_writer.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK_BYTES):
        sink.write(chunk)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()


def is_set_up(head: bytes) -> bool:
    """Whether a request's head asks for the filter's settings."""
    request = head.split(b"\r\n", 1)[0].split(b" ")
    return len(request) == 3 and request[1].split(b"?")[0] == b"/settings"


def room_of(head: bytes) -> str | None:
    """The room of a request's bearer token, or None; the token is read, not checked, and not kept."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        scheme, _, token = value.strip().partition(b" ")
        if name.lower() == b"authorization" and scheme.lower() == b"bearer" and token.count(b".") == 2:
            claims = token.split(b".")[1]
            with contextlib.suppress(ValueError, binascii.Error, AttributeError):
                grants = json.loads(base64.urlsafe_b64decode(claims + b"=" * (-len(claims) % 4)))
                room = grants.get("video", {}).get("room")
                return room if isinstance(room, str) else None
    return None


class Settings:
    """An arm's settings as its agents meet them: the proxy, and endpoints for what strikes below HTTP."""

    def __init__(
        self, upstream: tuple[str, int], *, arm: str, seed: int, log: FaultLog, http_only: bool = False
    ) -> None:
        """Draw the set-ups to mistreat from `seed`; no fault is in force until one is asked for.

        `http_only` refuses what strikes below HTTP, for filters that ask nowhere but at their server.
        """
        # A stream of its own for each arm: a seed gives an arm the same set-ups whatever the others are.
        self._fates = Fates(random.Random(f"{seed}/faults/{arm}"))
        self._arm = arm
        self._http_only = http_only
        self._log = log
        self.proxy = SettingsProxy(upstream, arm=arm, fates=self._fates, log=log)
        self.endpoints = Endpoints(lambda room, fault: Holding(log, arm=arm, room=room, kind=str(fault)))

    async def answer(self, question: Mapping[str, Any]) -> Answer:
        """Exchange the faults in force (`filter_fault`) or say where a room's filter is to ask (`set_up`)."""
        match question:
            case {"set_up": str(room)}:
                return {"environment": await self._environment(room)}
            case {"filter_fault": str() | None as spec}:
                return self._switch(spec or NO_FAULT)
            case _:
                return {"error": "no such question"}

    def _switch(self, spec: str) -> Answer:
        try:
            portions = parse(spec)
            if self._http_only:
                require_http(spec, portions, self._arm)
        except LabError as error:
            return {"error": str(error)}
        self._fates.switch(portions)
        self._log.write(Switched(time.time(), self._arm, spec))
        return {"filter_fault": spec}

    async def _environment(self, room: str) -> Mapping[str, str]:
        fate = self._fates.foretell(room)
        if fate is None or not fate.fault.kind.below_http:
            return {}
        return await self.endpoints.open(fate.fault, room)


async def _run(arguments: argparse.Namespace) -> None:
    host, _, port = arguments.upstream.rpartition(":")
    log = FaultLog(arguments.run_dir)
    settings = Settings(
        (host, int(port)), arm=arguments.arm, seed=arguments.seed, log=log, http_only=arguments.http_only
    )
    ended = ending(with_standard_input=False)
    async with answering(control_socket(arguments.run_dir, arguments.arm), settings.answer):
        port = await settings.proxy.start(arguments.port)
        print(json.dumps({"ready": True, "port": port}), flush=True)
        await ended.wait()
    await asyncio.gather(settings.proxy.stop(), settings.endpoints.close())
    log.close()


def control_socket(run_dir: Path, arm: str) -> Path:
    """Where an arm's settings process takes questions."""
    return run_dir / f"settings-{arm}.sock"


def control_sockets(run_dir: Path) -> list[Path]:
    """The sockets in a run's folder, one an arm."""
    return sorted(run_dir.glob("settings-*.sock"))


def arm_of(control_socket: Path) -> str:
    """The arm whose socket it is."""
    return control_socket.stem.removeprefix("settings-")


def main() -> int:
    """Run the proxy until SIGTERM."""
    die_with_parent(os.getppid())
    parser = argparse.ArgumentParser(prog="python -m lab.settings", description=__doc__)
    parser.add_argument("--upstream", required=True, metavar="HOST:PORT", help="the server behind the proxy")
    parser.add_argument(
        "--port", type=int, default=0, help="port of 127.0.0.1 to listen on (default: a free one)"
    )
    parser.add_argument("--arm", required=True, help="name of the arm whose agents come here")
    parser.add_argument(
        "--run-dir", required=True, type=Path, metavar="DIR", help="the run's folder, for records and control"
    )
    parser.add_argument(
        "--http-only",
        action="store_true",
        help="refuse faults below HTTP: this arm's filter asks nowhere but at its server",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the order in which set-ups are mistreated (default 0)"
    )
    try:
        asyncio.run(_run(parser.parse_args()))
    except (LabError, OSError) as error:
        print(f"settings proxy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
