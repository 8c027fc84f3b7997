"""The relay as the executor of a run, on loopback: callers of several profiles, and a trunk."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from network import aliases
from network.emulation import Emulation, Executor
from network.errors import CannotExpressError, UnavailableError, WireError
from network.profile import Leg
from network.relay_run import RelayRun
from network.topology import Place

pytestmark = pytest.mark.system
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "network.json").read_text())
RTP = b"\x80" + bytes(171)


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    """Whatever is opened is closed."""
    with ExitStack() as stack:
        yield stack


def udp(sockets: ExitStack, address: IPv4Address, port: int) -> socket.socket:
    """A socket of that address and port."""
    made = sockets.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    made.bind((str(address), port))
    made.settimeout(20)
    return made


def test_callers_of_each_profile_and_the_trunk_reach_each_other_by_their_aliases(sockets: ExitStack) -> None:
    """Each under its own profile, and the trunk answers to where a packet came from."""
    with RelayRun("clean+one-way-audio", seed=1, callers=2) as relay:
        seam: Emulation = relay
        assert seam.executor is Executor.RELAY
        assert (seam.ports, seam.places) == (aliases.CALLER_PORTS, {})
        clean, deaf = seam.callers
        assert (clean.label, deaf.label, deaf.count) == ("clean", "one-way-audio", 2)
        trunk = udp(sockets, seam.trunk.address, aliases.TRUNK_PORTS.rtp)
        seam.begin()
        for block in (clean, deaf):
            assert block.advertised is not None
            caller = udp(sockets, block.first + 1, aliases.CALLER_PORTS.rtp)
            caller.sendto(RTP, (str(seam.trunk.advertised), aliases.TRUNK_PORTS.rtp))
            heard, peer = trunk.recvfrom(2000)
            assert (heard, peer) == (RTP, (str(block.advertised + 1), aliases.CALLER_PORTS.rtp))
            trunk.sendto(RTP, peer)
            trunk.sendto(b"\xff after", peer)  # no media, so no profile here loses it
            assert caller.recv(2000) == (RTP if block is clean else b"\xff after")


def test_until_it_begins_a_relay_is_clean(sockets: ExitStack) -> None:
    """What is lost under the profile comes through before, and not after."""
    with RelayRun("one-way-audio", seed=1, callers=1) as relay:
        caller = udp(sockets, relay.callers[0].first, aliases.CALLER_PORTS.rtp)
        trunk = udp(sockets, relay.trunk.address, aliases.TRUNK_PORTS.rtp)
        target = (str(relay.callers[0].advertised), aliases.CALLER_PORTS.rtp)
        trunk.sendto(RTP, target)
        assert caller.recv(2000) == RTP
        relay.begin()
        trunk.sendto(RTP, target)
        trunk.sendto(b"\xff after", target)
        assert caller.recv(2000) == b"\xff after"


def test_hundreds_of_sockets_are_served(sockets: ExitStack) -> None:
    """The last port of the last caller's works, far beyond the descriptors that select(2) knows."""
    with RelayRun("clean+geo-sat+g1050-a+g1050-b", seed=1, callers=60) as relay:
        last = relay.callers[-1]
        assert last.advertised is not None
        caller = udp(sockets, last.first + 59, aliases.CALLER_PORTS.all[-1])
        trunk = udp(sockets, relay.trunk.address, aliases.TRUNK_PORTS.all[-1])
        caller.sendto(RTP, (str(relay.trunk.advertised), aliases.TRUNK_PORTS.all[-1]))
        assert trunk.recvfrom(2000) == (RTP, (str(last.advertised + 59), aliases.CALLER_PORTS.all[-1]))


def test_the_dose_is_written_and_proven_from_end_to_end(tmp_path: Path) -> None:
    """Drop for drop the seeded model's, each profile and direction."""
    path = tmp_path / "bad.toml"
    path.write_text('title = "A"\nsource = "B"\n[both]\ndelay_ms = 20\nloss = { rate = 0.3, mean_burst = 2 }')
    out = tmp_path / "network.jsonl"
    with RelayRun(f"{path}+g114-150", seed=7, out=out, callers=2) as relay:
        relay.begin()
        relay.watch(Leg.CALLER, every_s=0.01)
        found = _lines(out)
        while sum(line["sent"] for line in found if line["kind"] == "probe") < 200:
            time.sleep(0.05)
            found = _lines(out)
    for line in found:
        jsonschema.validate(line, SCHEMA)
    probes = [line for line in found if line["kind"] == "probe"]
    assert {(line["profile"], line["direction"]) for line in probes} == {
        (profile, direction) for profile in ("bad", "g114-150") for direction in ("up", "down")
    }
    assert sum(line["not_as_asked"] for line in probes) == 0
    assert sum(line["lost"] for line in probes if line["profile"] == "bad") > 0
    own = [line for line in found if line["kind"] == "executor"]
    assert all(line["executor"] == "relay" and line["unread"] == 0 for line in own)


def _lines(journal: Path) -> list[dict[str, Any]]:
    """The lines that are written so far; each is written whole."""
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_two_runs_at_once_take_different_addresses() -> None:
    """And each its own, whole."""
    with RelayRun("clean", seed=1, callers=1) as one, RelayRun("clean", seed=1, callers=1) as other:
        assert one.trunk.address != other.trunk.address
        assert one.callers[0].first != other.callers[0].first


def test_a_port_that_is_taken_on_every_address_is_said(sockets: ExitStack) -> None:
    """No block is free then, and the reason names the alias and the port."""
    udp(sockets, IPv4Address("0.0.0.0"), aliases.TRUNK_PORTS.sip)  # noqa: S104 - what is to be found out
    with (
        pytest.raises(UnavailableError, match=rf"none of .* the alias .* port {aliases.TRUNK_PORTS.sip}"),
        RelayRun("clean", seed=1, callers=1),
    ):
        pass


def test_what_a_relay_is_not_for_is_refused_before_it_starts() -> None:
    """Other legs, fragments, more callers than there are addresses, a leg that it is not on."""
    with pytest.raises(CannotExpressError, match="WebRTC picks its ports"):
        RelayRun("agent=flap", seed=1)
    with pytest.raises(CannotExpressError, match="fragments"):
        RelayRun("clean+mtu-1200", seed=1)
    with (
        pytest.raises(UnavailableError, match="from 1 to 250 callers"),
        RelayRun("clean", seed=1, callers=251),
    ):
        pass
    with pytest.raises(WireError, match="was not started"):
        RelayRun("clean", seed=1).begin()
    with RelayRun("clean", seed=1, callers=1) as relay, pytest.raises(WireError, match="needs a file"):
        relay.watch(Leg.CALLER)


def test_a_relay_that_ended_before_its_time_says_so() -> None:
    """Its exit code is there for whoever watches it; a program beside it ends with its parent."""
    with RelayRun("clean", seed=1, callers=1) as relay:
        assert relay.exit_code is None
        with relay.start(Place.CALLERS, ["true"]) as beside:
            assert beside.wait(20) == 0
