"""What an arm's agents take for their server: passes everything on, but mistreats a share of set-ups."""

import asyncio
import base64
import binascii
import contextlib
import json
import socket

from lab.fates import Fates
from lab.fault_log import FaultLog, Holding
from lab.mistreatment import mistreat
from lab.sites import Site

_HEAD_LIMIT_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_BACKLOG = 100  # connections not yet accepted, asyncio's own choice


class SettingsProxy:
    """Listens in front of a server; a connection that begins with GET /settings is a set-up."""

    def __init__(self, upstream: tuple[str, int], *, arm: str, fates: Fates, log: FaultLog) -> None:
        """Pass on to `upstream`, a host and port, and let `fates` say what befalls each set-up."""
        self._upstream = upstream
        self._arm = arm
        self._fates = fates
        self._log = log
        self._connections: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    async def listen(self, site: Site, port: int = 0) -> int:
        """Listen on `port` of a site, or on a free one, and return it; several can be listened at."""
        with site.inside():
            bound = socket.create_server((site.address, port), backlog=_BACKLOG)
        self._servers.append(await asyncio.start_server(self._accept, sock=bound, limit=_HEAD_LIMIT_BYTES))
        address: tuple[str, int] = bound.getsockname()
        return address[1]

    async def stop(self) -> None:
        """Stop listening and drop every connection; a set-up that is being held is written down first."""
        for server in self._servers:
            server.close()
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
