"""An emulated network as the phones see it: SIPp at its far end, and what a sniffer saw come in there."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from network.emulation import Emulation, Ports
from network.topology import Place
from sip.access import ANY_PORTS, Access, Block
from sip.trunk import Trunk
from tests.sip.conftest import SCENARIOS, free_port, wait_until

_ANY = Ports(sip=5060, rtp=6000, rtp_count=2)
# The core's end of the callers' leg has no link header; what comes in there has been carried by the wire.
_SNIFFER = """
import json, socket, struct
with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as sniffer:
    sniffer.bind(("callers", 0))
    print(flush=True)
    while True:
        packet, (_, _, kind, _, _) = sniffer.recvfrom(65536)
        udp = packet[9] == socket.IPPROTO_UDP
        if kind == socket.PACKET_OUTGOING or not (udp or packet[9] == socket.IPPROTO_TCP):
            continue
        start = (packet[0] & 15) * 4
        text = packet[start + (8 if udp else (packet[start + 12] >> 4) * 4) :]
        port, = struct.unpack_from("!H", packet, start + 2)
        invite = text.decode() if text.startswith(b"INVITE ") else ""
        print(json.dumps([socket.inet_ntoa(packet[12:16]), port, invite]), flush=True)
"""
_SAID = re.compile(r"^(?:Via: SIP/2.0/\w+ |Contact: <sip:\w+@|(?:o|c|a)=.*IN IP4 )([\d.]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that came in from the callers; `invite` is its text if it is one."""

    source: str
    to_port: int
    invite: str

    @property
    def is_rtp(self) -> bool:
        """Whether it went to where SIPp echoes voice."""
        return self.to_port == _ANY.rtp

    @property
    def says(self) -> set[str]:
        """Every address of the caller in the INVITE: of Via, Contact, and the SDP's o=, c= and a=rtcp."""
        found = _SAID.findall(self.invite)
        assert len(found) == 5, self.invite
        return set(found)


def access_of(emulation: Emulation) -> Access:
    """What a lab on this network says of the callers."""
    blocks = tuple(
        Block(each.label, str(each.first), each.count, str(each.advertised) if each.advertised else None)
        for each in emulation.callers
    )
    return Access(blocks, emulation.ports or ANY_PORTS, emulation.places.get(Place.CALLERS))


@contextmanager
def far_end(emulation: Emulation, folder: Path, transport: str = "udp") -> Iterator[Trunk]:
    """SIPp answers where the trunk belongs, and says the address that callers know it by."""
    where, ports = emulation.trunk, emulation.trunk.ports or _ANY
    here, known_as = str(where.address), str(where.advertised)
    scenario = folder / "answer.xml"
    text = (SCENARIOS / scenario.name).read_text()
    scenario.write_text(text.replace("[local_ip]", known_as).replace("[media_ip]", known_as))
    command = ["sipp", "-sf", str(scenario), "-i", here, "-p", str(ports.sip), "-cp", str(free_port())]
    command += ["-mi", here, "-mp", str(ports.rtp), "-rtp_echo", "-t", "u1" if transport == "udp" else "t1"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with emulation.start(Place.CORE, [*command, "-nostdin"], cwd=folder, **quiet) as process:
        try:
            wait_until(lambda: _is_bound(process.pid, where.address, ports.sip, transport))
            yield Trunk.parse(f"sip:{known_as}:{ports.sip};transport={transport}")
        finally:
            process.kill()


@contextmanager
def sniffing(emulation: Emulation, folder: Path) -> Iterator[Callable[[], list[Packet]]]:
    """What comes in from the callers, as far as it has been seen."""
    seen = folder / "seen.jsonl"
    with (
        seen.open("wb") as out,
        emulation.start(Place.CORE, [sys.executable, "-c", _SNIFFER], stdout=out) as process,
    ):
        try:
            wait_until(lambda: b"\n" in seen.read_bytes())
            yield lambda: [Packet(*json.loads(line)) for line in seen.read_text().splitlines()[1:]]
        finally:
            process.kill()


def _is_bound(pid: int, address: IPv4Address, port: int, transport: str) -> bool:
    """Whether somebody in the network of that process has the port (proc(5), /proc/pid/net)."""
    bound = f" {socket.ntohl(int(address)):08X}:{port:04X} "
    return bound in Path(f"/proc/{pid}/net/{transport}").read_text()
