"""Netem for real, where the kernel has it: calls' voice through it, its dose, and nothing left behind."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import jsonschema
import psutil
import pytest

from network.ledger import summary
from network.netem_run import Netem, missing_for_netem
from network.profile import Leg
from network.topology import Place

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "network.json").read_text())
LACKING = missing_for_netem()
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(LACKING), reason="; ".join(LACKING)),
]


def test_voice_is_delayed_and_lost_in_bursts_and_the_dose_says_so(tmp_path: Path) -> None:
    """Ten callers for five seconds: no packet is early, and the queues count what they lose and deliver."""
    out = tmp_path / "network.jsonl"
    with Netem("burst-loss-5", seed=1, out=out) as netem:
        netem.begin()
        netem.watch(Leg.CALLER)
        passages = netem.measure(Leg.CALLER, flows=10, for_s=5)
    found = summary(passages, seeded=False)
    delays_ms = [1000 * (at_s - each.sent_s) for each in passages for at_s in each.arrived_s]
    assert abs(found["sent"] - 5000) <= 10
    assert 0 < found["lost"] < 1000
    assert found["burst"] > 1.5
    assert min(delays_ms) > 29.9
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    legs = [line for line in lines if line["kind"] == "leg"]
    probes = [line for line in lines if line["kind"] == "probe"]
    assert {line["direction"] for line in legs} == {"up", "down"}
    assert sum(line["delivered"] for line in legs) >= len(delays_ms)
    assert sum(line["lost"] for line in legs) > 0
    assert {line["not_as_asked"] for line in probes} == {None}
    assert all(line["unread"] == 0 for line in lines if line["kind"] == "executor")


def test_jitter_in_order_turns_no_packet_around() -> None:
    """50 ms of it would turn around a third of voice packets; the mean delay is the profile's 65 and more."""
    with Netem("g1050-a", seed=1) as netem:
        netem.begin()
        passages = netem.measure(Leg.CALLER, flows=5, for_s=3)
    flows = itertools.groupby(
        sorted(passages, key=lambda each: (each.direction, each.flow, each.sent_s)),
        key=lambda each: (each.direction, each.flow),
    )
    for _, flow in flows:
        arrived_s = [each.arrived_s[0] for each in flow if each.arrived_s]
        assert arrived_s == sorted(arrived_s)
    assert summary(passages, seeded=False)["delay_ms"]["mean"] > 65


def test_until_it_begins_every_leg_is_clean_and_then_strangers_are_nobodys(tmp_path: Path) -> None:
    """UDP and TCP pass undelayed before; afterwards a caller without a queue of its own reaches nobody."""
    serve = """
    import socket
    with socket.create_server(("198.18.0.1", 5060)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("198.18.0.1", 5060))
        print("listening", flush=True)
        peer, _ = tcp.accept()
        with peer:
            peer.sendall(b"y" * 100_000)
        for _ in range(2):
            udp.sendto(*udp.recvfrom(2000))
    """
    call = """
    import socket
    with socket.create_connection(("198.18.0.1", 5060), source_address=("198.18.70.3", 0)) as tcp:
        received = 0
        while more := tcp.recv(65536):
            received += len(more)
        assert received == 100_000
    with socket.socket(type=socket.SOCK_DGRAM) as stranger, socket.socket(type=socket.SOCK_DGRAM) as caller:
        stranger.bind(("198.18.70.3", 5062))
        caller.bind(("198.18.64.1", 5062))
        stranger.sendto(b"before", ("198.18.0.1", 5060))
        assert stranger.recv(2000) == b"before"
        print("before", flush=True)
        input()
        stranger.sendto(b"after", ("198.18.0.1", 5060))
        caller.settimeout(0.5)
        for _ in range(100):  # five in a hundred are lost
            caller.sendto(b"after", ("198.18.0.1", 5060))
            try:
                assert caller.recv(2000) == b"after"
                break
            except TimeoutError:
                pass
        else:
            raise AssertionError("nothing came back")
    """
    out = tmp_path / "network.jsonl"
    with Netem("burst-loss-5", seed=1, out=out) as netem:
        served = [sys.executable, "-c", textwrap.dedent(serve)]
        called = [sys.executable, "-c", textwrap.dedent(call)]
        with netem.start(Place.CORE, served, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == b"listening\n"
            with netem.start(Place.CALLERS, called, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as caller:
                assert caller.stdin is not None
                assert caller.stdout is not None
                assert caller.stdout.readline() == b"before\n"
                netem.begin()
                caller.stdin.write(b"\n")
                caller.stdin.flush()
                assert caller.wait(60) == 0
            server.kill()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line for line in lines if line["kind"] == "executor"][-1]["strangers"] == 1


def test_nothing_is_left_of_one_that_was_killed() -> None:
    """Its namespaces and links go with it."""
    with Netem("g114-150", seed=1) as netem:
        netem.begin()
        places = {Path(place.network).stat().st_ino for place in netem.places.values()}
        os.kill(netem.pid, signal.SIGKILL)
        os.waitid(os.P_PID, netem.pid, os.WEXITED | os.WNOWAIT)
        assert netem.exit_code == -signal.SIGKILL
    living = set()
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            living.add(Path(f"/proc/{process.pid}/ns/net").stat().st_ino)
    assert not places & living
