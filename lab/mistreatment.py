"""What the settings proxy does to a set-up request that meets a fault."""

import asyncio
import socket
import struct
import time
from http import HTTPStatus

from lab.fates import Fate
from lab.faults import FaultKind

DRIP_EVERY_S = 1.0
_STATUS = {
    FaultKind.HTTP_404: HTTPStatus.NOT_FOUND,
    FaultKind.HTTP_429: HTTPStatus.TOO_MANY_REQUESTS,
    FaultKind.HTTP_503: HTTPStatus.SERVICE_UNAVAILABLE,
}
_BODY_BYTES = 65536  # of a body that never comes whole: at a byte a second, 18 hours
_HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {_BODY_BYTES}\r\n\r\n".encode()
_BEGUN_BODY = b'{"settings": {"'
_CHUNK_BYTES = 64 * 1024


async def mistreat(fate: Fate, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Do it, for as long as the client bears it; whether the request is to be passed on after all.

    Raises:
        OSError: The client hung up meanwhile.
    """
    match fate.fault.kind:
        case FaultKind.LATENCY:
            return not await gone_within(reader, fate.fault.value_s)
        case FaultKind.HEAL:
            assert fate.heals_at_s is not None  # noqa: S101 - for the type checker
            return not await gone_within(reader, fate.heals_at_s - time.monotonic())
        case FaultKind.RESET:
            reset(writer)
        case FaultKind.TRUNCATED:
            writer.write(_HEAD + _BEGUN_BODY)
            await writer.drain()
        case FaultKind.DRIP:
            writer.write(_HEAD)
            await drip(reader, writer)
        case FaultKind.SLOW_HEADERS:
            writer.write(b"HTTP/1.1 200 OK\r\nX-Settings: ")
            await drip(reader, writer)
        case FaultKind.HTTP_404 | FaultKind.HTTP_429 | FaultKind.HTTP_503:
            status = _STATUS[fate.fault.kind]
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode())
            await writer.drain()
        case _:
            await gone_within(reader, None)
    return False


async def gone_within(reader: asyncio.StreamReader, seconds: float | None) -> bool:
    """Whether the client hangs up within so many seconds; what it sends meanwhile is dropped."""
    try:
        async with asyncio.timeout(seconds):
            while await reader.read(_CHUNK_BYTES):
                pass
    except TimeoutError:
        return False
    return True


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte every `DRIP_EVERY_S` until the client hangs up."""
    while not await gone_within(reader, DRIP_EVERY_S):
        writer.write(b"x")
        await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST instead of FIN."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
