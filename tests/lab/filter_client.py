"""The reference filter in a process of its own, as a job process of an agent has it."""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from livekit.api import AccessToken, VideoGrants

import ringtime_filters

_REFERENCE = Path(ringtime_filters.__file__).parent / "reference.so"
_PROGRAM = """
import ctypes, sys, time
filter = ctypes.CDLL(sys.argv[1])
print(flush=True)
began_s = time.monotonic()
print(filter.audio_filter_on_load(sys.stdin.buffer.read()), time.monotonic() - began_s)
"""
ENABLED, UNREACHABLE, ANSWERED_WITH_AN_ERROR = 0, 2, 3  # what its on_load returns


@dataclass(frozen=True, slots=True)
class Initialised:
    """What on_load returned, and after how long."""

    result: int
    took_s: float


def token(room: str) -> str:
    """A token as the FFI hands it to a filter."""
    signer = AccessToken("key", "a secret of more than thirty-two characters")
    return signer.with_grants(VideoGrants(room=room)).to_jwt()


@contextlib.asynccontextmanager
async def initialising(
    port: int, *, room: str = "room-7", environment: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """A filter whose server is on `port`, its on_load just called; what is left of it is ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROGRAM, str(_REFERENCE)),
        env=os.environ | (environment or {}),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"url": f"ws://127.0.0.1:{port}", "token": token(room)}).encode())
    process.stdin.write_eof()
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def initialise(
    port: int, *, room: str = "room-7", environment: Mapping[str, str] | None = None
) -> Initialised:
    """Call on_load and wait for it."""
    async with initialising(port, room=room, environment=environment) as process:
        assert process.stdout is not None
        result, took_s = (await process.stdout.read()).split()
        return Initialised(int(result), float(took_s))
