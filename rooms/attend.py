"""A run on somebody's deployment, seen to from the room's side: numbers while it lasts, rooms watched."""

import asyncio
import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from livekit import api

from rooms.lifetime import ending
from rooms.observe import write_line
from rooms.poll import poll
from rooms.provision import Digest, Route, provisioned


@dataclass(frozen=True, slots=True)
class Attendance:
    """What is asked for: routes to make (none where the numbers exist), and where to write what is seen."""

    run_id: str
    routes: Sequence[Route]
    digest: Digest | None
    out: Path | None
    prefix: str
    every_s: float


async def attend(wish: Attendance) -> None:
    """Provision and watch until standard input ends, SIGTERM or SIGINT; then remove what was made.

    The deployment is the one of LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.

    Raises:
        api.ServerError: The deployment refused; aiohttp.ClientError: it did not answer.
        OSError: The file cannot be written.
    """
    async with contextlib.AsyncExitStack() as stack:
        ended = ending(with_standard_input=True)
        livekit = await stack.enter_async_context(api.LiveKitAPI())
        await stack.enter_async_context(provisioned(livekit, wish.run_id, wish.routes, digest=wish.digest))
        if wish.out is not None:
            descriptor = os.open(wish.out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            stack.callback(os.close, descriptor)
            watching = asyncio.ensure_future(
                poll(
                    livekit,
                    lambda line: write_line(descriptor, line),
                    prefix=wish.prefix,
                    every_s=wish.every_s,
                )
            )
            stack.callback(watching.cancel)
        announcement = {"ready": True, "arms": [asdict(route) for route in wish.routes]}
        print(json.dumps(announcement), flush=True)
        await ended.wait()
