"""Real agent workers that fail as they are told to, and their processes."""

import asyncio
import contextlib
import logging
import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from livekit.agents import AgentServer, JobContext

from lab.process import Child, said
from lab.server import LiveKitServer, bare_environment

_FAILS = "RINGTIME_TEST_AGENT_FAILS"


@contextlib.contextmanager
def failing_agents(server: LiveKitServer, fails: Mapping[str, str], *, logs: Path) -> Iterator[None]:
    """Registered workers by their names, whose entrypoints raise `before` they connect or `after`."""
    environment = bare_environment() | server.environment | {"LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0"}
    command = [sys.executable, "-m", "tests.agents"]
    with contextlib.ExitStack() as started:
        children = [
            started.enter_context(
                Child(
                    name,
                    command,
                    env=environment | {_FAILS: moment, "RINGTIME_AGENT_NAME": name},
                    log=logs / f"{name}.log",
                )
            )
            for name, moment in fails.items()
        ]
        for child in children:
            child.wait_ready(said("registered worker"), timeout_s=60)
        yield


async def take_call(ctx: JobContext) -> None:
    """Fail."""
    if os.environ[_FAILS] == "after":
        await ctx.connect()
    raise RuntimeError("this agent has a bug")


def idle() -> float:
    """Report no load: on a busy machine it would take no job."""
    return 0.0


def main() -> None:
    """Run the worker until it is ended."""
    logging.basicConfig(level=logging.INFO)
    server = AgentServer(
        host="127.0.0.1", port=0, load_fnc=idle, load_threshold=math.inf, num_idle_processes=1
    )
    server.rtc_session(take_call, agent_name=os.environ["RINGTIME_AGENT_NAME"])
    asyncio.run(server.run())


if __name__ == "__main__":
    main()
