"""Facts about the embedded trunk as a program: how it starts, ends, and gives back what it took."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lab.process import Child, announced, free_port
from lab.server import LiveKitServer, livekit_server, redis
from tests.lab.callers import Caller
from tests.lab.conftest import Trunk
from tests.lab.room_side import RoomSide
from tests.visitors import Visitors

Call = Callable[..., Caller]

pytestmark = pytest.mark.system


def _command(url: str, port: int = 0) -> list[str]:
    return [sys.executable, "-m", "lab.trunk", "--livekit-url", url, "--sip-port", str(port)]


def _refused(url: str, environment: dict[str, str], port: int = 0) -> str:
    """What the program says when it cannot start; it must be one sentence and exit code 1."""
    done = subprocess.run(
        _command(url, port), env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture
def own_trunk(livekit: LiveKitServer, tmp_path: Path) -> Iterator[Trunk]:
    """A trunk that a test may end."""
    environment = os.environ | livekit.environment
    with Child("trunk", _command(livekit.url), env=environment, log=tmp_path / "trunk.log") as child:
        yield Trunk(int(str(child.wait_ready(announced(), timeout_s=30)["sip_port"])), child)


def test_a_taken_port_is_said_in_one_sentence(livekit: LiveKitServer) -> None:
    """With the port, and what to do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        said = _refused(livekit.url, os.environ | livekit.environment, port)

    assert f"SIP port {port} of 127.0.0.1 cannot be had" in said
    assert "--sip-port" in said


def test_a_server_that_does_not_answer_is_said_in_one_sentence(livekit: LiveKitServer) -> None:
    """With its URL."""
    url = f"ws://127.0.0.1:{free_port()}"

    assert f"no LiveKit server answers at {url}" in _refused(url, os.environ | livekit.environment)


def test_a_wrong_secret_is_said_in_one_sentence_without_telling_it(livekit: LiveKitServer) -> None:
    """The server refuses; the sentence names the variables to look at."""
    secret = "not-the-secret-but-long-enough-to-sign"  # noqa: S105 - a wrong one
    environment = os.environ | livekit.environment | {"LIVEKIT_API_SECRET": secret}

    said = _refused(livekit.url, environment)

    assert "LIVEKIT_API_SECRET" in said
    assert secret not in said


def test_missing_credentials_are_said_in_one_sentence(livekit: LiveKitServer) -> None:
    """By the name of the variable."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIVEKIT_")}

    assert "LIVEKIT_API_KEY is not set" in _refused(livekit.url, environment)


def test_a_trunk_that_is_ended_hangs_up_first(rooms: RoomSide, own_trunk: Trunk, call: Call) -> None:
    """A ringing call gets 486, an answered one a BYE, the rooms are left and the exit code is 0."""
    talking = _answered(rooms, call, own_trunk)
    ringing = call(rooms.number(), of=own_trunk)
    ringing.invite()
    waiting, room = rooms.room_of(ringing.number), rooms.room_of(talking.number)

    own_trunk.child.stop()

    assert own_trunk.child.exit_code == 0
    assert ringing.until(486).start == "SIP/2.0 486 Rejected"
    assert talking.asked().start.startswith("BYE ")
    assert rooms.sip_participant(room) is None
    assert rooms.sip_participant(waiting) is None


def test_a_trunk_dies_with_its_parent(livekit: LiveKitServer) -> None:
    """Even when the parent is killed."""
    starter = (
        "import subprocess, sys, time; trunk = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE); "
        "trunk.stdout.readline(); print(trunk.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", starter, *_command(livekit.url)]
    environment = os.environ | livekit.environment
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        trunk = psutil.Process(int(parent.stdout.readline()))

        parent.send_signal(signal.SIGKILL)

        trunk.wait(timeout=5)


def test_a_server_that_goes_away_ends_its_calls(tmp_path: Path, call: Call, visitors: Visitors) -> None:
    """The caller gets a BYE at once, and the trunk stays for the server's return."""
    with redis(tmp_path) as store, contextlib.ExitStack() as server:
        livekit = server.enter_context(livekit_server(tmp_path, redis=store))
        environment = os.environ | livekit.environment
        log = tmp_path / "trunk.log"
        with Child("trunk", _command(livekit.url), env=environment, log=log) as child:
            trunk = Trunk(int(str(child.wait_ready(announced(), timeout_s=30)["sip_port"])), child)
            side = RoomSide(livekit, visitors)
            caller = _answered(side, call, trunk)
            side.leave()

            server.close()

            assert caller.asked().start.startswith("BYE ")
            asking = call("anybody", of=trunk)
            asking.invite()
            assert asking.until(503).start == "SIP/2.0 503 Service Unavailable"
            side.close()


def test_calls_leave_no_socket_and_no_thread_behind(rooms: RoomSide, own_trunk: Trunk, call: Call) -> None:
    """After answered, cancelled and refused calls only the SIP port is open and no codec's thread runs."""
    process = psutil.Process(own_trunk.child.pid)
    threads = process.num_threads()
    for _ in range(2):
        _calls_of_every_kind(rooms, call, own_trunk)

    _becomes_true(lambda: len(process.net_connections("udp")) == 1)
    _becomes_true(lambda: process.num_threads() <= threads)


def test_the_log_has_the_timestamps_of_each_call_and_no_secret(
    rooms: RoomSide, livekit: LiveKitServer, own_trunk: Trunk, call: Call
) -> None:
    """One JSON object a line, in livekit-sip's words."""
    caller = _answered(rooms, call, own_trunk)
    for sequence in range(3):
        caller.rtp.sendto(
            struct.pack("!BBHII", 0x80, 0, sequence, 160 * sequence, 7) + bytes(160), caller.media
        )
    caller.hang_up()
    own_trunk.child.stop()

    lines = own_trunk.child.log_lines()
    stamps = [json.loads(line) for line in lines if "signaling timestamps" in line]

    assert [stamp["callID"] for stamp in stamps] == [caller.to_tag]
    trying, ringing, accepted = (stamps[0][f"inviteTo{what}Ms"] for what in ("Trying", "Ringing", "Accept"))
    assert 0 < trying < ringing < accepted
    (statistics,) = (json.loads(line) for line in lines if "call statistics" in line)
    assert statistics["callIDFull"] == caller.call_id
    assert statistics["stats"]["port"] == {"packets": 3, "audio_packets": 3, "audio_bytes": 480}
    assert not any(livekit.credentials.secret in line or "access_token" in line for line in lines)


def _answered(rooms: RoomSide, call: Call, trunk: Trunk) -> Caller:
    caller = call(rooms.number(), of=trunk)
    caller.invite()
    rooms.speak_in(rooms.room_of(caller.number))
    caller.answered()
    return caller


def _calls_of_every_kind(rooms: RoomSide, call: Call, trunk: Trunk) -> None:
    _answered(rooms, call, trunk).hang_up()
    cancelled, refused = (call(rooms.number(), of=trunk) for _ in range(2))
    cancelled.invite()
    cancelled.until(180)
    cancelled.send(cancelled.request("CANCEL"))
    cancelled.until(200)
    cancelled.until(487)
    refused.invite(offer=refused.offer("18"))
    refused.until(400)


def _becomes_true(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {timeout_s} s"
        time.sleep(0.05)
