"""What an IPv4 packet is, from its headers and the first bytes of its payload."""

from typing import NamedTuple

from network.profile import Traffic

TCP, UDP = 6, 17  # protocol numbers
PLAIN = 0x45  # IPv4, header of 20 bytes
WHOLE_UDP = frozenset({b"\x00\x00\x40\x11", b"\x40\x00\x40\x11"})
"""Flags, offset, time to live and protocol of nearly all UDP packets, which are no fragments."""
_METHODS = range(65, 91)  # SIP begins with a capital letter: a method, or SIP/2.0
_BYE, _SIP, _MEDIA, _UDP, _TCP, _OTHER = Traffic  # looking them up would cost more than all else here
_BY_FIRST_BYTE = [
    _MEDIA if first <= 3 or 20 <= first <= 79 or 128 <= first <= 191 else _UDP for first in range(256)
]
MEDIA_STARTS = frozenset(
    bytes((first,)) for first, kind in enumerate(_BY_FIRST_BYTE) if kind is _MEDIA and first not in _METHODS
)
"""First bytes of UDP payloads that are media whatever follows."""


class Heading(NamedTuple):
    """The flow that a packet is of, its kind, and whether it is a fragment."""

    flow: tuple[int, bytes]
    traffic: Traffic
    fragment: bool


def is_ipv4(packet: bytes) -> bool:
    """Whether there is a whole IPv4 header to read."""
    return len(packet) >= 20 and packet[0] >> 4 == 4


def heading(packet: bytes) -> Heading:
    """Read an IPv4 packet (RFC 791); of a fragment only the addresses say which flow it is of."""
    protocol = packet[9]
    if packet[6] & 0x3F or packet[7]:  # the flag "more fragments", and the offset
        kind = _UDP if protocol == UDP else _TCP if protocol == TCP else _OTHER
        return Heading((protocol, packet[12:20]), kind, fragment=True)
    if protocol not in (UDP, TCP):
        return Heading((protocol, packet[12:20]), _OTHER, fragment=False)
    options = packet[0] & 15
    ports = 4 * options
    flow = packet[12:24] if options == 5 else packet[12:20] + packet[ports : ports + 4]
    traffic = _TCP if protocol == TCP else udp_traffic(packet, ports + 8)
    return Heading((protocol, flow), traffic, fragment=False)


def is_whole_udp(packet: bytes) -> bool:
    """Whether it is a UDP packet over IPv4 without options, and no fragment: what nearly all are."""
    return packet[0] == PLAIN and packet[9] == UDP and not (packet[6] & 0x3F or packet[7])


def has_udp_ports(packet: bytes) -> bool:
    """Whether it is a UDP packet over IPv4 without options, or the first fragment of one."""
    return (
        len(packet) >= 28 and packet[0] == PLAIN and packet[9] == UDP and not (packet[6] & 0x1F or packet[7])
    )


def with_udp_flow(packet: bytes, flow: bytes) -> bytes:
    """The same UDP packet in another flow, which may differ in one port.

    Its checksum is corrected, not made anew (RFC 1624): what was wrong stays wrong, none stays none.
    """
    checksum, old, new = packet[26:28], int.from_bytes(packet[20:24]), int.from_bytes(flow[8:])
    if any(checksum):
        total = (int.from_bytes(checksum) ^ 0xFFFF) + (old ^ 0xFFFFFFFF) % 0xFFFF + new % 0xFFFF
        checksum = (0xFFFF - total % 0xFFFF).to_bytes(2)
    return packet[:12] + flow + packet[24:26] + checksum + packet[28:]


def udp_traffic(datagram: bytes, start: int = 0) -> Traffic:
    """What the payload that starts there is: SIP by its first line, all else by its first byte (RFC 7983)."""
    if len(datagram) <= start:
        return _UDP
    first = datagram[start]
    if first in _METHODS and datagram.find(b"SIP/2.0", start, datagram.find(b"\r", start)) >= 0:
        return _BYE if datagram.startswith(b"BYE ", start) else _SIP
    return _BY_FIRST_BYTE[first]
