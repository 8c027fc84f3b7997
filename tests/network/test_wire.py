"""The wire for real: namespaces, devices, packets held against the model, and nothing left behind."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import jsonschema
import psutil
import pytest

from network import spec
from network.errors import WireError
from network.executor import Wire, missing_for_wire
from network.ledger import summary
from network.profile import Leg
from network.topology import Place
from tests.network.conversation import converse

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "network.json").read_text())
LACKING = missing_for_wire()
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(LACKING), reason="; ".join(LACKING)),
]
FULL = """
title = "Everything but what hangs on the clock"
source = "none"
[both]
delay_ms = 60
jitter = { exponential_ms = 8 }
loss = { rate = 0.05, mean_burst = 5 }
retransmission = { rate = 0.1, by_ms = 8 }
reorder = { rate = 0.01, by_ms = 30 }
duplicate = 0.01
mtu_bytes = 1400
"""


@pytest.fixture
def own_profile(tmp_path: Path) -> str:
    """The path of a profile that does everything at once."""
    path = tmp_path / "full.toml"
    path.write_text(FULL)
    return str(path)


def test_a_clean_wire_loses_nothing_and_is_quick() -> None:
    """Ten flows both ways for two seconds: every packet comes, most within a millisecond."""
    with Wire("clean", seed=1) as wire:
        wire.begin()
        passages = wire.measure(Leg.CALLER, flows=10, for_s=2)
    found = summary(passages)
    assert found["sent"] == 2000
    assert (found["lost"], found["not_as_asked"]) == (0, 0)
    assert found["delay_error_ms"]["p50"] < 2


@pytest.mark.parametrize("leg", list(Leg))
def test_what_is_delivered_is_the_seeded_model_drop_for_drop(leg: Leg, own_profile: str) -> None:
    """On each leg, packets are lost, doubled and delayed exactly as whoever knows the seed expects."""
    with Wire(f"{leg}={own_profile}", seed=7) as wire:
        wire.begin()
        passages = wire.measure(leg, flows=5, for_s=3)
    found = summary(passages)
    assert found["sent"] == 1500
    assert found["lost"] > 0
    assert found["not_as_asked"] == 0
    assert found["burst"] == found["burst_asked"]
    assert found["delay_error_ms"]["p50"] < 2


def test_the_dose_is_written_each_second_as_its_schema_says(tmp_path: Path, own_profile: str) -> None:
    """By the executor from inside, and by a measurement from end to end."""
    out = tmp_path / "network.jsonl"
    with Wire(f"{own_profile}+g114-150", seed=7, out=out) as wire:
        wire.begin()
        wire.watch(Leg.CALLER)
        wire.measure(Leg.CALLER, flows=5, for_s=3)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    legs = [line for line in lines if line["kind"] == "leg" and line["profile"] == "full"]
    assert sum(line["offered"] for line in legs) > 1500
    assert sum(line["lost"] for line in legs) > 0
    assert {line["profile"] for line in lines if line["kind"] == "probe"} == {"full", "g114-150"}
    assert sum(line["sent"] for line in lines if line["kind"] == "probe") > 0
    assert all(line["unread"] == 0 for line in lines if line["kind"] == "executor")


def test_tcp_and_udp_pass_between_any_caller_and_the_core() -> None:
    """An echo over both, from an address that nobody added, through a leg with a delay."""
    serve = """
    import socket
    with socket.create_server(("198.18.0.1", 5060)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("198.18.0.1", 5060))
        print("listening", flush=True)
        udp.sendto(*udp.recvfrom(2000))
        peer, _ = tcp.accept()
        with peer:
            peer.sendall(peer.recv(100_000))
    """
    call = """
    import socket, time
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("198.18.70.3", 5062))
        begun = time.monotonic()
        udp.sendto(b"x" * 1200, ("198.18.0.1", 5060))
        assert udp.recv(2000) == b"x" * 1200
        assert 0.3 <= time.monotonic() - begun
    with socket.create_connection(("198.18.0.1", 5060), source_address=("198.18.70.3", 0)) as tcp:
        tcp.sendall(b"y" * 5000)
        assert tcp.recv(100_000)[:1] == b"y"
    """
    with Wire("caller=g114-150", seed=1) as wire:
        wire.begin()
        converse(wire, core=serve, caller=call)


@pytest.mark.skipif(shutil.which("sipp") is None, reason="there is no program sipp: install sip-tester")
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_a_hundred_sip_calls_at_once_pass_with_their_media(transport: str, tmp_path: Path) -> None:
    """SIPp calls SIPp over UDP and TCP while fifty voices go both ways; under clean no packet is lost."""
    answer = ["sipp", "-sn", "uas", "-i", "198.18.0.1", "-p", "5060", "-t", transport, "-nostdin"]
    call = ["sipp", "-sn", "uac", "-i", "198.18.64.1", "-t", transport, "-nostdin", "198.18.0.1:5060"]
    call += ["-m", "100", "-l", "100", "-r", "100", "-d", "3000", "-timeout", "60"]
    quiet = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "stdin": subprocess.DEVNULL,
        "cwd": tmp_path,
    }
    with Wire("clean", seed=1, out=tmp_path / "network.jsonl") as wire:
        wire.begin()
        with wire.start(Place.CORE, answer, **quiet) as answering:
            try:
                with wire.start(Place.CALLERS, call, **quiet) as calling:
                    passages = wire.measure(Leg.CALLER, flows=50, for_s=3)
                    assert calling.wait(60) == 0
            finally:
                answering.kill()
    assert summary(passages)["not_as_asked"] == 0
    lines = [json.loads(line) for line in (tmp_path / "network.jsonl").read_text().splitlines()]
    assert sum(line["offered"] - line["delivered"] for line in lines if line["kind"] == "leg") == 0
    assert [line for line in lines if line["kind"] == "executor"][-1]["unread"] == 0


def test_until_it_begins_every_leg_is_clean() -> None:
    """What lives in the places comes up under no profile."""
    with Wire("one-way-audio;agent=udp-blocked", seed=1) as wire:
        wire.began_s = time.monotonic()
        choice, wire.choice = wire.choice, spec.choose("clean")
        passages = wire.measure(Leg.AGENT, flows=2, for_s=0.5)
        assert summary(passages)["lost"] == 0
        wire.choice = choice
        wire.begin()
        passages = wire.measure(Leg.AGENT, flows=2, for_s=0.5)
        assert summary(passages)["lost"] == len(passages) > 0


def test_nothing_is_left_of_a_wire_that_was_killed(tmp_path: Path, mark: str) -> None:
    """Its namespaces and devices go with it, and so do those that it had in them and its measurement."""
    with Wire("clean", seed=1, out=tmp_path / "network.jsonl") as wire:
        wire.begin()
        left = _marked(mark)
        assert left
        assert wire.exit_code is None
        os.kill(wire.pid, signal.SIGKILL)
        os.waitid(os.P_PID, wire.pid, os.WEXITED | os.WNOWAIT)
        assert wire.exit_code == -signal.SIGKILL
    _, alive = psutil.wait_procs(left, timeout=10)
    assert not alive
    assert not _marked(mark)


def test_a_wire_ends_with_the_process_that_started_it_whatever_ended_that(mark: str) -> None:
    """Killing the tester leaves no namespace, no device, no process."""
    program = """
    import sys
    from network.executor import Wire
    from network.topology import Place
    wire = Wire("clean", seed=1).__enter__()
    inside = wire.start(Place.CALLERS, [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    print(wire.pid, inside.pid, flush=True)
    sys.stdin.read()
    """
    tester = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with tester:
        assert tester.stdout is not None
        begun = {int(pid) for pid in tester.stdout.readline().split()}
        left = _marked(mark)
        assert begun <= {process.pid for process in left}
        tester.kill()
    _, alive = psutil.wait_procs(left, timeout=10)
    assert not alive
    assert not _marked(mark)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no program setpriv: install util-linux")
def test_without_the_right_to_make_namespaces_it_makes_them_in_one_of_its_own() -> None:
    """An unprivileged user, or a container's root, has the wire too where user namespaces are allowed."""
    program = """
    from network.executor import Wire
    from network.profile import Leg
    with Wire("g114-150", seed=1) as wire:
        wire.begin()
        assert all(place.user for place in wire.places.values())
        passages = wire.measure(Leg.CALLER, flows=2, for_s=0.5)
        print(len(passages), sum(each.is_as_asked for each in passages))
    """
    dropped = ["setpriv", "--bounding-set", "-sys_admin,-sys_nice", "--inh-caps", "-sys_admin,-sys_nice"]
    command = [*dropped, sys.executable, "-c", textwrap.dedent(program)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if "unprivileged user namespaces" in ended.stderr:
        pytest.skip("this kernel allows no user namespaces")
    assert ended.stdout.split() == ["100", "100"], ended.stderr


def test_a_place_of_a_wire_that_is_gone_cannot_be_entered() -> None:
    """The error is the system's own, in the parent, before anything is started."""
    with Wire("clean", seed=1) as wire:
        place = wire.places[Place.CORE]
    with pytest.raises(OSError, match="No such file"):
        place.entering()


def test_a_wire_that_was_not_started_says_so() -> None:
    """Using it outside its block is told from everything else."""
    with pytest.raises(WireError, match="was not started"):
        Wire("clean", seed=1).begin()


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """Known of every process that the test starts, and of theirs; a namespace lives as long as one is in it.

    The numbers of namespaces would not do: they are given away again at once.
    """
    found = secrets.token_hex(8)
    monkeypatch.setenv("RINGTIME_TEST_MARK", found)
    return found


def _marked(mark: str) -> list[psutil.Process]:
    """The living processes that the test, or one of them, has started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("RINGTIME_TEST_MARK") == mark and process.status() != "zombie":
                found.append(process)
    return found
