"""What an INVITE says, and where it comes from, as a far end reads it."""

import contextlib
import dataclasses
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sip import source
from sip.access import Access
from sip.pool import Pool
from sip.record import CallRecord
from sip.trunk import Trunk
from tests.sip.conftest import SILENT

Place = Callable[..., list[CallRecord]]
pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]


@contextlib.contextmanager
def far_end() -> Iterator[tuple[Trunk, Callable[[], dict[str, tuple[str, list[str]]]]]]:
    """A trunk that never answers; and, by Call-ID, source and lines of every INVITE that came over UDP."""
    with socket.create_server(("127.0.0.1", 0)) as over_tcp, socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.setblocking(False)
        peer.bind(over_tcp.getsockname())

        def invites() -> dict[str, tuple[str, list[str]]]:
            seen = {}
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet, (address, _) = peer.recvfrom(65536)
                    text = packet.decode()
                    if text.startswith("INVITE "):
                        (call_id,) = re.findall(r"^Call-ID: (\S+)", text, re.MULTILINE)
                        seen[call_id] = (address, text.split("\r\n"))
            return seen

        yield Trunk("127.0.0.1", peer.getsockname()[1]), invites


def test_an_invite_has_the_headers_that_were_asked_for_and_the_record_s_id(
    place: Place, tmp_path: Path
) -> None:
    """Its Call-ID is made of the record's id, which is in X-Lk-Test-Id too; long ones keep to UDP."""
    with far_end() as (trunk, invites):
        own = (("X-Tenant", "acme"), ("P-Asserted-Identity", "<sip:+1@h;user=phone>"), ("X-Long", "x" * 1500))
        with Pool(dataclasses.replace(trunk, headers=own), log_folder=tmp_path) as pool:
            records = place(pool, 2, **SILENT)
        seen = invites()

    assert list(seen) == [record.sip_call_id for record in records]
    for record in records:
        assert (record.sip_call_id or "").startswith(f"{record.call_id}@")
        _, lines = seen[record.sip_call_id or ""]
        assert f"X-Lk-Test-Id: {record.call_id}" in lines
        assert all(f"{name}: {value}" in lines for name, value in own)


def test_no_two_calls_have_a_tag_or_a_branch_in_common(place: Place, tmp_path: Path) -> None:
    """Whichever of the workers they come from, which all are one process's copies."""
    with far_end() as (trunk, invites):
        with Pool(trunk, log_folder=tmp_path, concurrent=12) as pool:
            place(pool, 9, rate=50.0, **SILENT)
        seen = [" ".join(lines) for _, lines in invites().values()]

    for name in ("From: .*?;tag=", "Via: .*?;branch="):
        assert len({re.findall(name + r"([^\s;]+)", said)[0] for said in seen}) == 9, name


def test_calls_are_made_from_the_addresses_that_are_given(place: Place, tmp_path: Path) -> None:
    """Each line has the next one, by its packets and by its own words; then the first again."""
    block = source.read("127.0.3.0/29")
    with far_end() as (trunk, invites):
        with Pool(trunk, log_folder=tmp_path, access=Access((block,)), concurrent=8) as pool:
            place(pool, 16, rate=10.0, **SILENT)
        seen = invites()

    assert len(seen) == 16
    assert {address for address, _ in seen.values()} == {f"127.0.3.{n}" for n in range(1, 7)}
    for address, lines in seen.values():
        said = [line for line in lines if re.match("Via:|Contact:|o=|c=", line)]
        assert len(said) == 4
        assert all(address in line for line in said)
