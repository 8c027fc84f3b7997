"""A line of JSON asked and a line answered, over a socket in a folder that only its owner may use."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Answer = Mapping[str, Any]


@contextlib.asynccontextmanager
async def answering(
    path: Path, answer: Callable[[Mapping[str, Any]], Awaitable[Answer]]
) -> AsyncIterator[None]:
    """Answer every question that comes to a socket at `path`, which is there only meanwhile."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError):
            writer.write(json.dumps(dict(await answer(json.loads(await reader.readline())))).encode() + b"\n")
            await writer.drain()
        writer.close()

    with _only_meanwhile(path):
        with _short(path) as short:
            server = await asyncio.start_unix_server(serve, short)
            os.chmod(short, 0o600)  # noqa: PTH101 - a path of the kernel's
        try:
            yield
        finally:
            server.close()


async def ask(path: Path, question: Mapping[str, Any]) -> Answer:
    """The answer to one question.

    Raises:
        OSError: Nobody answers there.
    """
    with _short(path) as short:
        reader, writer = await asyncio.open_unix_connection(short)
    try:
        writer.write(json.dumps(question).encode() + b"\n")
        line = await reader.readline()
    finally:
        writer.close()
    if not line:
        raise ConnectionResetError(f"{path} was closed without an answer")
    answer: Answer = json.loads(line)
    return answer


@contextlib.contextmanager
def _only_meanwhile(path: Path) -> Iterator[None]:
    path.unlink(missing_ok=True)  # left by one that was killed
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """The same path by way of its open folder: a socket's address holds 107 bytes, a path may be longer."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
