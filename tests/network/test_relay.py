"""The relay for real, on loopback: datagrams and streams between aliases, as the model says."""

import itertools
import json
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import jsonschema
import psutil
import pytest

from network import language
from network.errors import CannotExpressError, UnavailableError
from network.model import Link
from network.packet import UDP
from network.profile import Profile, Traffic
from network.relay import Host, check
from network.relaying import Relaying

pytestmark = pytest.mark.system
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "network.json").read_text())
NEAR, NEAR_ALIAS, FAR, FAR_ALIAS = "127.18.1.1", "127.18.1.2", "127.18.2.1", "127.18.2.2"
RTP = b"\x80" + bytes(171)


def profile(tmp_path: Path, text: str) -> Profile:
    """A profile of these lines, in a file of its own."""
    path = tmp_path / "mine.toml"
    path.write_text(f'title = "A test"\nsource = "none"\n{text}')
    return language.load(str(path))


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    """Whatever is opened is closed."""
    with ExitStack() as stack:
        yield stack


def udp(sockets: ExitStack, address: str) -> tuple[socket.socket, int]:
    """A socket of an address, and its port."""
    made = sockets.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    made.bind((address, 0))
    made.settimeout(20)
    return made, made.getsockname()[1]


def tcp(sockets: ExitStack, address: str) -> tuple[socket.socket, int]:
    """A listening socket of an address, and its port."""
    made = sockets.enter_context(socket.create_server((address, 0)))
    made.settimeout(20)
    return made, made.getsockname()[1]


def test_datagrams_go_both_ways_late_and_each_side_knows_the_other_by_its_alias(
    tmp_path: Path, sockets: ExitStack
) -> None:
    """What is answered to the address that a datagram came from finds its way back."""
    near, near_port = udp(sockets, NEAR)
    far, far_port = udp(sockets, FAR)
    hosts = Host(address=NEAR, alias=NEAR_ALIAS, udp=(near_port,))
    other = Host(address=FAR, alias=FAR_ALIAS, udp=(far_port,))
    with Relaying([profile(tmp_path, "[up]\ndelay_ms = 100")], near=[hosts], far=other, seed=1) as relay:
        relay.begin()
        begun_s = time.monotonic()
        near.sendto(b"there", (FAR_ALIAS, far_port))
        assert far.recvfrom(100) == (b"there", (NEAR_ALIAS, near_port))
        assert time.monotonic() - begun_s >= 0.1
        far.sendto(b"back", (NEAR_ALIAS, near_port))
        assert near.recvfrom(100) == (b"back", (FAR_ALIAS, far_port))


def test_datagrams_are_lost_and_doubled_as_the_seeded_model_says(tmp_path: Path, sockets: ExitStack) -> None:
    """Drop for drop, and the dose is written as its schema says."""
    own = profile(tmp_path, "[both]\nloss = { rate = 0.2 }\nduplicate = 0.1")
    near, near_port = udp(sockets, NEAR)
    far, far_port = udp(sockets, FAR)
    hosts = Host(address=NEAR, alias=NEAR_ALIAS, udp=(near_port,))
    other = Host(address=FAR, alias=FAR_ALIAS, udp=(far_port,))
    way = Link(own, seed=5, name=NEAR).up
    ends = socket.inet_aton(NEAR) + socket.inet_aton(FAR)
    flow = (UDP, ends + struct.pack("!HH", near_port, far_port))
    with Relaying([own], near=[hosts], far=other, seed=5, out=tmp_path / "network.jsonl") as relay:
        relay.begin()
        # Until one arrives after the last that did not: only then has the relay seen them all.
        for number in itertools.count():
            near.sendto(RTP + number.to_bytes(2), (FAR_ALIAS, far_port))
            expected = way.release(0.0, len(RTP) + 30, flow, Traffic.MEDIA)
            found = [int.from_bytes(far.recv(500)[-2:]) for _ in expected]
            assert found == [number] * len(expected)
            if found and number >= 300:
                break
        assert not select.select([far], (), (), 0)[0]
    lines = [json.loads(line) for line in (tmp_path / "network.jsonl").read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    assert sum(line.get("lost", 0) for line in lines) == way.tally.lost > 0
    assert sum(line.get("duplicated", 0) for line in lines) == way.tally.duplicated > 0


def test_a_stream_arrives_whole_late_and_ends_when_its_sender_ends_it(
    tmp_path: Path, sockets: ExitStack
) -> None:
    """More than fits on the way at once, and a side that closed still hears the answer."""
    listener, port = tcp(sockets, FAR)
    hosts = Host(address=NEAR, alias=NEAR_ALIAS)
    other = Host(address=FAR, alias=FAR_ALIAS, tcp=(port,))
    with Relaying([profile(tmp_path, "[both]\ndelay_ms = 80")], near=[hosts], far=other, seed=1) as relay:
        relay.begin()
        calling = sockets.enter_context(
            socket.create_connection((FAR_ALIAS, port), source_address=(NEAR, 0), timeout=20)
        )
        called, peer = listener.accept()
        sockets.enter_context(called)
        called.settimeout(20)
        assert peer[0] == NEAR_ALIAS
        begun_s = time.monotonic()
        calling.sendall(b"question")
        calling.shutdown(socket.SHUT_WR)
        assert called.makefile("rb").read() == b"question"
        assert time.monotonic() - begun_s >= 0.08
        answer = os.urandom(3 << 20)
        called.sendall(answer)
        called.close()
        assert calling.makefile("rb").read() == answer


def test_a_connection_that_is_refused_is_closed(tmp_path: Path, sockets: ExitStack) -> None:
    """Nobody listens behind the alias."""
    listener, port = tcp(sockets, FAR)
    listener.close()
    hosts = Host(address=NEAR, alias=NEAR_ALIAS)
    other = Host(address=FAR, alias=FAR_ALIAS, tcp=(port,))
    with Relaying([profile(tmp_path, "")], near=[hosts], far=other, seed=1) as relay:
        relay.begin()
        calling = sockets.enter_context(
            socket.create_connection((FAR_ALIAS, port), source_address=(NEAR, 0), timeout=20)
        )
        assert calling.recv(10) == b""


def test_strangers_are_not_served(tmp_path: Path, sockets: ExitStack) -> None:
    """A datagram of an address that is no host's goes nowhere; the next one of a host's arrives."""
    near, near_port = udp(sockets, NEAR)
    stranger, _ = udp(sockets, "127.18.3.1")
    far, far_port = udp(sockets, FAR)
    hosts = Host(address=NEAR, alias=NEAR_ALIAS, udp=(near_port,))
    other = Host(address=FAR, alias=FAR_ALIAS, udp=(far_port,))
    with Relaying([profile(tmp_path, "")], near=[hosts], far=other, seed=1) as relay:
        relay.begin()
        stranger.sendto(b"stranger", (FAR_ALIAS, far_port))
        near.sendto(b"friend", (FAR_ALIAS, far_port))
        assert far.recv(100) == b"friend"


def test_an_alias_that_is_taken_is_said_before_anything_runs(tmp_path: Path, sockets: ExitStack) -> None:
    """With the address, the port, and what may hold it."""
    _, port = udp(sockets, FAR_ALIAS)
    hosts = Host(address=NEAR, alias=NEAR_ALIAS)
    other = Host(address=FAR, alias=FAR_ALIAS, udp=(port,))
    with (
        pytest.raises(UnavailableError, match=f"the alias {FAR_ALIAS} port {port} cannot be had"),
        Relaying([profile(tmp_path, "")], near=[hosts], far=other, seed=1),
    ):
        pass


def test_a_relay_that_was_killed_leaves_its_aliases_free(tmp_path: Path, sockets: ExitStack) -> None:
    """They are sockets of its own, and go with it."""
    _, far_port = udp(sockets, FAR)
    hosts = Host(address=NEAR, alias=NEAR_ALIAS)
    other = Host(address=FAR, alias=FAR_ALIAS, udp=(far_port,))
    with Relaying([profile(tmp_path, "")], near=[hosts], far=other, seed=1) as relay:
        relay.begin()
        os.kill(relay.pid, signal.SIGKILL)
        psutil.Process(relay.pid).wait(10)
        again = sockets.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        again.bind((FAR_ALIAS, far_port))


@pytest.mark.parametrize(
    ("text", "is_tcp", "said"),
    [
        ("[up]\nmtu_bytes = 1200", False, "it does not see fragments"),
        ("[nat]\nrebind = { after_s = 2 }", False, "it has no other ports to send from"),
        ('[up]\nfragments = "drop"', False, "it does not see fragments"),
        ("[up]\nloss = { rate = 0.1 }", True, "packets of a TCP stream"),
        ("[up]\nrate_kbps = 100", True, "packets of a TCP stream"),
        ("[up]\njitter = { uniform_ms = 9, ordered = false }", True, "packets of a TCP stream"),
        ("[[window]]\nfor_s = 1\n[window.up]\nduplicate = 0.1", True, "packets of a TCP stream"),
    ],
)
def test_what_a_relay_cannot_do_is_an_error_that_names_who_can(
    text: str, is_tcp: bool, said: str, tmp_path: Path
) -> None:
    """Never an approximation."""
    with pytest.raises(CannotExpressError, match=said) as refused:
        check(profile(tmp_path, text), tcp=is_tcp)
    assert str(refused.value).endswith("The wire can")


def test_a_relay_of_datagrams_alone_may_lose_them(tmp_path: Path) -> None:
    """The same profile that a stream could not be under."""
    check(profile(tmp_path, "[up]\nloss = { rate = 0.1 }\njitter = { uniform_ms = 9 }"), tcp=False)
