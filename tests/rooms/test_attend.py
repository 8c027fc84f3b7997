"""Facts about `python -m rooms attend`, on a real livekit-server."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from livekit import api

from lab.server import LiveKitServer

pytestmark = pytest.mark.system

RUN = "20260102T030405Z-abcdef"


def trunk_names(server: LiveKitServer) -> list[str]:
    """The names of the trunks there are."""

    async def ask() -> list[str]:
        async with api.LiveKitAPI(server.url, server.credentials.key, server.credentials.secret) as livekit:
            trunks = (await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
            return [trunk.name for trunk in trunks]

    return asyncio.run(ask())


def attend(server: LiveKitServer, *arguments: str) -> subprocess.Popen[str]:
    """The command, on its way."""
    return subprocess.Popen(
        [sys.executable, "-m", "rooms", "attend", "--run", RUN, *arguments],
        env=os.environ | server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_numbers_last_as_long_as_the_one_who_asked_for_them(
    server: LiveKitServer, failing: str, tmp_path: Path
) -> None:
    """They are there when the line of JSON is, and gone when standard input has ended."""
    route = f"--route=new=+15550100009={failing}"
    with attend(server, route, "--out", str(tmp_path / "room-events.jsonl")) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        during = trunk_names(server)
        process.communicate(timeout=20)

    assert announced == {"ready": True, "run": RUN}
    assert during == [f"ringtime-{RUN}-new"]
    assert process.returncode == 0
    assert trunk_names(server) == []


def test_one_who_leaves_while_it_is_being_seen_to_leaves_nothing(server: LiveKitServer) -> None:
    """Nobody has to wait for a worker that does not come."""
    with attend(server, "--route=new=+15550100009=nobody") as process:
        said, _ = process.communicate(timeout=20)

    assert (process.returncode, said) == (0, "")
    assert trunk_names(server) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--route=a=+15550100009=x", "--route=b=+15550100009=y"],
            "another trunk at ws://127.0.0.1:.* has one",
        ),
        (
            ["--route=new=+15550100009=nobody", "--worker-within=0.5"],
            "no worker took a job as 'nobody' within 0.5 s: start it with LIVEKIT_URL=ws://127.0.0.1:",
        ),
    ],
)
def test_what_cannot_be_seen_to_is_told_in_one_sentence(
    server: LiveKitServer, arguments: list[str], said: str
) -> None:
    """To people and to the program that waits: exit code 1, nothing left."""
    with attend(server, *arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        announced = json.loads(process.stdout.readline())
        _, words = process.communicate(timeout=20)

    assert process.returncode == 1
    assert announced["ready"] is False
    assert re.match(said, announced["error"])
    assert words == f"python -m rooms: {announced['error']}\n"
    assert trunk_names(server) == []
