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
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.errors import LabError
from lab.faults import FaultKind, choices, parse
from lab.process import die_with_parent
from rooms.lifetime import ending

_HEAD_LIMIT_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Mistreated:
    """A line of faults.jsonl: a mistreated set-up, its wall time of arrival and the seconds it was held."""

    unix: float
    arm: str
    room: str | None
    kind: FaultKind
    held_s: float


class FaultsFile:
    """Appends one line a mistreated set-up to a file that the proxies of all arms share."""

    def __init__(self, path: Path) -> None:
        """Open or create the file at `path`."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, fault: Mistreated) -> None:
        """Write it with one system call, so that lines of several processes never mix."""
        os.write(self._descriptor, (json.dumps(asdict(fault)) + "\n").encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class SettingsProxy:
    """Listens in front of a server; a connection that begins with GET /settings is a set-up."""

    def __init__(
        self, upstream: tuple[str, int], *, arm: str, faults: Iterator[FaultKind | None], file: FaultsFile
    ) -> None:
        """Pass on to `upstream`, a host and port, and let `faults` say what befalls each set-up."""
        self._upstream = upstream
        self._arm = arm
        self._faults = faults
        self._file = file
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
                if is_set_up(head) and (kind := next(self._faults)):
                    await self._mistreat(kind, head, reader)
                else:
                    await self._pass_on(head, reader, writer)
            finally:
                writer.close()

    async def _mistreat(self, kind: FaultKind, head: bytes, reader: asyncio.StreamReader) -> None:
        unix, began_s = time.time(), time.monotonic()
        try:
            while await reader.read(_CHUNK_BYTES):  # silent until the client gives up
                pass
        finally:
            held_s = round(time.monotonic() - began_s, 3)
            self._file.write(Mistreated(unix, self._arm, room_of(head), kind, held_s))

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


async def _run(arguments: argparse.Namespace) -> None:
    host, _, port = arguments.upstream.rpartition(":")
    fault = parse(arguments.filter_fault) if arguments.filter_fault else None
    file = FaultsFile(arguments.faults_file)
    # A stream of its own for each arm: the same seed gives an arm the same set-ups whatever the others are.
    draw = random.Random(f"{arguments.seed}/faults/{arguments.arm}")
    proxy = SettingsProxy((host, int(port)), arm=arguments.arm, faults=choices(fault, draw), file=file)
    ended = ending(with_standard_input=False)
    port = await proxy.start(arguments.port)
    print(json.dumps({"ready": True, "port": port}), flush=True)
    await ended.wait()
    await proxy.stop()
    file.close()


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
        "--faults-file", required=True, type=Path, metavar="FILE", help="where mistreated set-ups go"
    )
    parser.add_argument(
        "--filter-fault", metavar="KIND[:SHARE]", help="silent:0.3 leaves 30 %% of set-ups unanswered"
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
