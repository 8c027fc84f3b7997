"""A run on somebody's deployment, seen to from the room's side: numbers while it lasts, rooms watched."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rooms.deployment import Deployment
from rooms.lifetime import ending
from rooms.poll import EVERY_S, watching
from rooms.provision import Digest, Route, name_of, provisioned
from rooms.workers import TAKEN_WITHIN_S, unmanned


class NoWorkerError(Exception):
    """No worker takes the jobs of an agent; the message is one sentence with its remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """What is asked for: routes to make (none where the numbers exist), and where to write what is seen."""

    run_id: str
    routes: Sequence[Route] = ()
    digest: Digest | None = None
    out: Path | None = None
    every_s: float = EVERY_S
    worker_within_s: float = TAKEN_WITHIN_S


async def attend(deployment: Deployment, wish: Attendance, *, ready: Callable[[], None]) -> None:
    """Provision and watch until standard input ends, SIGTERM or SIGINT; then remove what was made.

    Raises:
        api.ServerError: The deployment refused; aiohttp.ClientError, TimeoutError: it did not answer.
        NoWorkerError: Calls would ring in vain.
        OSError: The file cannot be written.
    """
    ended = asyncio.ensure_future(ending(with_standard_input=True).wait())
    serving = asyncio.ensure_future(_serve(deployment, wish, ready))
    await asyncio.wait({ended, serving}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _serve(deployment: Deployment, wish: Attendance, ready: Callable[[], None]) -> None:
    async with (
        deployment.client() as livekit,
        provisioned(livekit, wish.run_id, wish.routes, digest=wish.digest),
    ):
        if absent := await unmanned(livekit, wish.run_id, wish.routes, within_s=wish.worker_within_s):
            raise NoWorkerError(
                f"no worker took a job as {' or '.join(repr(route.agent) for route in absent)} within "
                f"{wish.worker_within_s:g} s: start it with LIVEKIT_URL={deployment.url}, or correct the "
                "name in --agents, which is the agent_name that it registers under"
            )
        if wish.out is None:
            ready()
            await asyncio.Event().wait()
        else:
            prefix = name_of(wish.run_id) if wish.routes else None
            async with watching(
                livekit, wish.out, run_id=wish.run_id, prefix=prefix, every_s=wish.every_s
            ) as watch:
                ready()
                await watch
