"""Each caller on a link of its own: where its packets come from, and what it says of itself."""

import json
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median

import pytest

from network.executor import Wire, missing_for_wire
from network.relay_run import RelayRun
from sip.errors import PhoneError
from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from sip.trunk import Trunk
from tests.sip.emulated import access_of, far_end, sniffing

ROOT = Path(__file__).parents[2]
LACKING = missing_for_wire()
PROFILES = ("clean", "g114-150")
Place = Callable[..., list[CallRecord]]
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]
on_a_wire = pytest.mark.skipif(bool(LACKING), reason="; ".join(LACKING))


def post_dial_delays_s(records: list[CallRecord], profile: str) -> list[float]:
    """From INVITE to 18x."""
    return [
        record.ringing_s - record.invite_s
        for record in records
        if record.profile == profile and record.ringing_s is not None and record.invite_s is not None
    ]


@on_a_wire
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_each_call_is_made_from_an_address_of_its_profile_and_says_so(
    place: Place, tmp_path: Path, transport: str
) -> None:
    """Via, Contact, SDP and the packets' source agree; a delay of 150 ms is in each round trip."""
    with Wire("clean+g114-150", seed=1) as wire, far_end(wire, tmp_path, transport) as trunk:
        with (
            sniffing(wire, tmp_path) as seen,
            Pool(trunk, log_folder=tmp_path, access=access_of(wire), concurrent=8) as pool,
        ):
            wire.begin()
            records = place(pool, 8, rate=20.0, profiles=PROFILES, setup_timeout_s=3.0, ring_timeout_s=3.0)
        packets = seen()

    assert Counter(record.outcome for record in records) == {Outcome.ANSWERED: 8}
    assert min(post_dial_delays_s(records, "g114-150")) >= 0.3
    assert median(post_dial_delays_s(records, "clean")) < 0.3
    invites = {packet.source: packet for packet in packets if packet.invite}
    assert len(invites) == 8
    assert all(packet.says == {source} for source, packet in invites.items())
    assert {packet.source for packet in packets if packet.is_rtp} == set(invites)
    blocks = Counter(IPv4Address(source) >= wire.callers[1].first for source in invites)
    assert blocks == {True: 4, False: 4}


@on_a_wire
def test_the_wire_loses_no_packet_of_forty_calls_at_once(place: Place, tmp_path: Path) -> None:
    """Under a clean profile beside a delayed one, by the wire's count; by the calls' own, hardly one."""
    journal = tmp_path / "network.jsonl"
    with (
        Wire("clean+g114-150", seed=1, out=journal) as wire,
        far_end(wire, tmp_path) as trunk,
        Pool(trunk, log_folder=tmp_path, access=access_of(wire), concurrent=44) as pool,
    ):
        wire.begin()
        records = place(pool, 44, rate=40.0, hold_s=2.0, profiles=PROFILES)
        restarts = pool.health().restarts

    answered, ended = (
        sorted(moment for record in records if (moment := getattr(record, name)) is not None)
        for name in ("answered_s", "bye_s")
    )
    assert (len(answered), len(ended)) == (44, 44)
    assert sum(moment < ended[0] for moment in answered) >= 40
    counted = [record.rtp for record in records if record.rtp is not None]
    assert len(counted) == 44
    # SIPp reads all voices from one socket, which runs over where the machine keeps it waiting.
    assert sum(each.lost for each in counted) < 0.05 * sum(each.received for each in counted)
    assert restarts == 0
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert sum(line["lost"] for line in lines if line["kind"] == "leg") == 0
    assert max(line["unread"] for line in lines if line["kind"] == "executor") == 0


def test_through_a_relay_callers_say_their_aliases_and_keep_to_their_ports(
    place: Place, tmp_path: Path
) -> None:
    """So that all packets, of SIP and of media, find their way, also when all ports have had their call."""
    with (
        RelayRun("clean", seed=1, callers=4) as relay,
        far_end(relay, tmp_path) as trunk,
        Pool(trunk, log_folder=tmp_path, access=access_of(relay), concurrent=4) as pool,
    ):
        relay.begin()
        records = place(pool, 20, rate=7.0, hold_s=0.2)

    assert Counter(record.outcome for record in records) == {Outcome.ANSWERED: 20}
    assert all(record.rtp is not None and record.rtp.received > 0 for record in records)


@on_a_wire
def test_a_network_that_is_gone_is_told_from_phones_that_fail(tmp_path: Path) -> None:
    """One sentence, before any process was started."""
    with Wire("g114-150", seed=1) as wire:
        access = access_of(wire)

    with pytest.raises(PhoneError, match="The network that the callers belong to is gone"):
        Pool(Trunk.parse("sip:198.18.0.1"), log_folder=tmp_path, access=access).open()


@on_a_wire
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no program setpriv: install util-linux")
def test_phones_enter_a_network_that_nobody_needed_privileges_for(tmp_path: Path) -> None:
    """In a user namespace of the wire's; orders reach them at once there too."""
    program = """
    import pathlib, sys, time
    from network.executor import Wire
    from sip.phone import InviteSent, Order
    from sip.pool import Pool
    from sip.trunk import Trunk
    from tests.sip.emulated import access_of
    with Wire("g114-150", seed=1) as wire:
        access = access_of(wire)
        assert access.namespace.user
        with Pool(Trunk.parse("sip:198.18.0.1"), log_folder=pathlib.Path(sys.argv[1]), access=access) as pool:
            pool.wait(0.4)  # in the middle of a poll
            pool.events()
            ordered_s = time.monotonic()
            assert pool.dial(Order("c", "1", "2", "g114-150"))
            while not (events := [each for each in pool.events() if isinstance(each, InviteSent)]):
                pool.wait(5)
            print(events[0].at_s - ordered_s)
    """
    dropped = ["setpriv", "--bounding-set", "-sys_admin,-sys_nice", "--inh-caps", "-sys_admin,-sys_nice"]
    command = [*dropped, sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=40)
    if "unprivileged user namespaces" in ended.stderr:
        pytest.skip("this kernel allows no user namespaces")
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) < 0.2
