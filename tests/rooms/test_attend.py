"""Facts about `python -m rooms attend`, on a real livekit-server."""

import asyncio
import json
import os
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


def test_numbers_last_as_long_as_the_one_who_asked_for_them(server: LiveKitServer, tmp_path: Path) -> None:
    """They are there when the line of JSON is, and gone when standard input has ended."""
    route = "--route=new=+15550100009=agent-x"
    with attend(server, route, "--out", str(tmp_path / "room-events.jsonl")) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        during = trunk_names(server)
        process.communicate(timeout=20)

    assert announced == {
        "ready": True,
        "arms": [{"arm": "new", "number": "+15550100009", "agent": "agent-x"}],
    }
    assert during == [f"ringtime-{RUN}-new"]
    assert process.returncode == 0
    assert trunk_names(server) == []


def test_a_deployment_that_refuses_is_told_in_one_sentence(server: LiveKitServer) -> None:
    """Two routes with one number: exit code 1, no traceback, nothing left."""
    routes = ["--route=a=+15550100009=agent-x", "--route=b=+15550100009=agent-y"]
    with attend(server, *routes) as process:
        _, said = process.communicate(timeout=20)

    assert process.returncode == 1
    assert said.startswith("python -m rooms: attend failed: ")
    assert said.count("\n") == 1
    assert trunk_names(server) == []
