"""Facts about the lab's choice of a trunk, and what livekit-sip is told."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.errors import ProgramMissingError
from lab.gateway import find_livekit_sip, start_gateway
from lab.process import Child
from lab.server import Credentials, LiveKitServer, Redis
from lab.sites import TrunkSite
from lab.trunk_calls import trunk_calls

IN_ITS_PLACE = """#!{python}
import json, os, socket, sys
if "--version" in sys.argv:
    print("livekit-sip version 1.11.0")
    sys.exit()
configuration = json.loads(os.environ["SIP_CONFIG_BODY"])
print(configuration["ws_url"], configuration["redis"]["address"], configuration["rtp_port"], flush=True)
said = {{"level": "info", "ts": 1755000004.62, "logger": "sip", "msg": "signaling timestamps"}}
said |= {{"callID": "SCL_a", "sipCallID": "one@caller", "inviteToRingingMs": 4, "inviteToAcceptMs": 431}}
print(json.dumps(said, separators=(",", ":")), flush=True)
with socket.create_server(("127.0.0.1", configuration["health_port"])) as health:
    while True:
        health.accept()
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in livekit-sip's place: it reads the configuration and answers on the health port."""
    path = tmp_path / "livekit-sip"
    path.write_text(IN_ITS_PLACE.format(python=sys.executable))
    path.chmod(0o755)
    return path


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    """Some process."""
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with Child("child", command, env=dict(os.environ), log=tmp_path / "child.log") as running:
        yield running


def test_a_livekit_sip_on_the_path_is_preferred(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit's own trunk is the one to measure where there is one, unless the built-in one is asked for."""
    monkeypatch.setenv("PATH", str(program.parent))

    assert find_livekit_sip(None) == program
    assert find_livekit_sip("embedded") is None


def test_without_a_livekit_sip_the_built_in_trunk_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has to be installed for a lab to be called."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_livekit_sip(None) is None


def test_a_livekit_sip_that_was_named_must_be_there(tmp_path: Path) -> None:
    """Measuring another trunk than the one asked for would be a lie."""
    with pytest.raises(ProgramMissingError, match=r"--livekit-sip cannot be .*; name one, or 'embedded'"):
        find_livekit_sip(str(tmp_path / "livekit-sip"))


def test_livekit_sip_is_told_where_everything_is_and_waited_for(
    program: Path, child: Child, tmp_path: Path
) -> None:
    """Its configuration comes by environment, the secret on no command line; what it logs can be read."""
    server = LiveKitServer(7880, Credentials("key", "the secret of this lab"), child)
    gateway = start_gateway(program, tmp_path, redis=Redis(6379, child), server=server, site=TrunkSite())
    with gateway.child:
        ready = asyncio.run(gateway.ready())
        shown = " ".join(psutil.Process(gateway.child.pid).cmdline())
        told = gateway.child.log_lines()[0].split()
    with gateway.child.log.open() as log:
        (call,) = trunk_calls(log)

    assert (ready.kind, ready.version) == ("livekit-sip", "1.11.0")
    assert ready.uri.startswith("sip:127.0.0.1:")
    assert told[:2] == ["ws://127.0.0.1:7880", "127.0.0.1:6379"]
    first, last = map(int, told[2].split("-"))
    assert (first % 2, last - first) == (0, 1999)
    assert "secret" not in shown
    assert (call["sip_call_id"], call["ringing_s"], call["answered_s"]) == ("one@caller", 0.004, 0.431)
