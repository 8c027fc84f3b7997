"""Endpoints that fail below HTTP: a fresh one for each mistreated set-up, without root."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.fault_log import Holding
from lab.faults import Fault, FaultKind
from lab.mistreatment import drip
from lab.sites import HERE, Site

SETTINGS_URL = "RINGTIME_SETTINGS_URL"
SETTINGS_DNS = "RINGTIME_SETTINGS_DNS"

_HOST = "settings.ringtime.test"  # RFC 6761: no name server of the world knows it
_LOOK_EVERY_S = 0.1
_COMES_WITHIN_S = 120.0  # of being told where to; a call that was gone before never does
_CLIENT_HELLO_BYTES = 16 * 1024
_HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"  # RFC 8446, section 6: a fatal alert, 40
_HANDSHAKE_RECORD = (
    b"\x16\x03\x03\x40\x00"  # of 2^14 bytes, which the client must have before it can read them
)
_SYN_SENT = "02"  # include/net/tcp_states.h


class Endpoints:
    """Those that are open: each until its client has given up, all of them until `close` at the latest."""

    def __init__(
        self, hold: Callable[[str, Fault], Holding], *, site: Site = HERE, clients: Site = HERE
    ) -> None:
        """`hold` begins the record of a set-up of a room; they open at `site`, clients are at theirs."""
        self._hold = hold
        self._site = site
        self._looks = _Looks(clients)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed_port: socket.socket | None = None

    async def open(self, fault: Fault, room: str) -> Mapping[str, str]:
        """Open one for a set-up of this room; what the reference filter must find in its environment.

        Raises:
            OSError: The system has no socket left.
        """
        if fault.kind is FaultKind.REFUSED:
            return self._refusing(fault, room)
        ready: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(self._keep(fault, room, ready))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        both: list[asyncio.Future[Any]] = [ready, task]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            task.result()  # raises
        return ready.result()

    async def close(self) -> None:
        """Close all; a set-up that is being held is written down first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._closed_port is not None:
            self._closed_port.close()

    def _refusing(self, fault: Fault, room: str) -> Mapping[str, str]:
        """A port that is bound, so that nobody else gets it, and not listened at: the kernel resets."""
        if self._closed_port is None:
            self._closed_port = _bound(self._site, socket.SOCK_STREAM)
        self._hold(room, fault).end()
        return {SETTINGS_URL: _url("http", self._closed_port)}

    async def _keep(self, fault: Fault, room: str, ready: asyncio.Future[Mapping[str, str]]) -> None:
        with contextlib.suppress(TimeoutError):  # the set-up never came
            await self._serve(fault, room, ready)

    async def _serve(self, fault: Fault, room: str, ready: asyncio.Future[Mapping[str, str]]) -> None:
        match fault.kind:
            case FaultKind.BLACKHOLE:
                with _blackhole(self._site) as listener:
                    ready.set_result({SETTINGS_URL: _url("http", listener)})
                    await self._until_given_up(fault, room, listener)
            case FaultKind.DNS_SILENT:
                with _bound(self._site, socket.SOCK_DGRAM) as bound:
                    host, port = bound.getsockname()
                    ready.set_result({SETTINGS_URL: f"http://{_HOST}/", SETTINGS_DNS: f"{host}:{port}"})
                    await self._until_given_up(fault, room, bound)
            case _:
                act = _alert if fault.kind is FaultKind.TLS_ALERT else _drip_handshake
                async with _first_connection(self._site) as (listener, connection):
                    ready.set_result({SETTINGS_URL: _url("https", listener)})
                    reader, writer = await asyncio.wait_for(connection, _COMES_WITHIN_S)
                    holding = self._hold(room, fault)
                    try:
                        with contextlib.suppress(OSError):
                            await act(reader, writer)
                    finally:
                        holding.end()
                        writer.close()

    async def _until_given_up(self, fault: Fault, room: str, endpoint: socket.socket) -> None:
        """From a client's first knock at the endpoint, to within a tenth of a second, until it stops."""
        _, port = endpoint.getsockname()
        async with asyncio.timeout(_COMES_WITHIN_S):
            while port not in await self._looks.next():
                pass
        holding = self._hold(room, fault)
        try:
            # Twice: a resolver closes its socket and opens another between two attempts.
            while port in await self._looks.next() or port in await self._looks.next():
                pass
        finally:
            holding.end()


class _Looks:
    """Looks at the clients' sockets that are shared by all who wait."""

    def __init__(self, clients: Site) -> None:
        self._clients = clients
        self._coming: asyncio.Task[frozenset[int]] | None = None

    async def next(self) -> frozenset[int]:
        """What the next look finds: the ports that somebody knocks at."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._look())
        return await asyncio.shield(self._coming)

    async def _look(self) -> frozenset[int]:
        await asyncio.sleep(_LOOK_EVERY_S)
        self._coming = None
        with self._clients.inside():
            return knocked_at()


def knocked_at() -> frozenset[int]:
    """Remote ports of the TCP sockets in SYN_SENT and the connected UDP sockets of this network namespace."""
    ports = set()
    for table, state in ((Path("/proc/net/tcp"), _SYN_SENT), (Path("/proc/net/udp"), None)):
        for line in table.read_text().splitlines()[1:]:
            _, _, remote, its_state, *_ = line.split()
            if state in (None, its_state):
                ports.add(int(remote.rpartition(":")[2], 16))
    return frozenset(ports)


def _bound(site: Site, kind: socket.SocketKind) -> socket.socket:
    """A socket with a port of its own at a site."""
    with site.inside():
        made = socket.socket(type=kind)
    made.bind((site.address, 0))
    return made


@contextlib.contextmanager
def _blackhole(site: Site) -> Iterator[socket.socket]:
    """A listener whose queue of one is full: Linux drops every further SYN unanswered."""
    with _bound(site, socket.SOCK_STREAM) as listener, contextlib.ExitStack() as stack:
        listener.listen(0)
        with site.inside():
            stack.enter_context(socket.create_connection(listener.getsockname()))
        yield listener


@contextlib.asynccontextmanager
async def _first_connection(
    site: Site,
) -> AsyncIterator[tuple[socket.socket, asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]]:
    """A listener and the first connection that it will have; others are dropped."""
    first: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    first = asyncio.get_running_loop().create_future()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first.done():
            writer.close()
        else:
            first.set_result((reader, writer))

    server = await asyncio.start_server(accept, sock=_bound(site, socket.SOCK_STREAM))
    try:
        yield server.sockets[0], first
    finally:
        server.close()


async def _alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(_CLIENT_HELLO_BYTES)
    writer.write(_HANDSHAKE_FAILURE)
    await writer.drain()


async def _drip_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_HANDSHAKE_RECORD)
    await drip(reader, writer)


def _url(scheme: str, endpoint: socket.socket) -> str:
    host, port = endpoint.getsockname()
    return f"{scheme}://{host}:{port}/"
