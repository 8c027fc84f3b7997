"""What an IPv4 packet is."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.packet import (
    TCP,
    UDP,
    has_udp_ports,
    heading,
    is_ipv4,
    is_whole_udp,
    udp_traffic,
    with_udp_flow,
)
from network.profile import Traffic

ADDRESSES = bytes((198, 18, 64, 1, 198, 18, 0, 1))
PORTS = struct.pack("!HH", 40000, 5060)


def ipv4(protocol: int, rest: bytes, *, fragment: int = 0, options: bytes = b"") -> bytes:
    """A packet with these parts; only what is looked at is right."""
    version_and_length = 0x45 + len(options) // 4
    return (
        struct.pack("!BBHHHBBH", version_and_length, 0, 0, 7, fragment, 64, protocol, 0xABCD)
        + ADDRESSES
        + options
        + rest
    )


def udp(payload: bytes) -> bytes:
    """A UDP datagram."""
    return PORTS + struct.pack("!HH", 8 + len(payload), 0) + payload


@pytest.mark.parametrize(
    ("payload", "traffic"),
    [
        (b"INVITE sip:+1555@198.18.0.1 SIP/2.0\r\nVia: x", Traffic.SIP),
        (b"SIP/2.0 180 Ringing\r\nVia: x", Traffic.SIP),
        (b"BYE sip:+1555@198.18.0.1 SIP/2.0\r\nVia: x", Traffic.BYE),
        (b"BYEBYE", Traffic.MEDIA),  # a TURN channel, by its first byte
        (b"\x80\x00rtp", Traffic.MEDIA),
        (b"\x81\xc9rtcp", Traffic.MEDIA),
        (b"\x00\x01\x00\x00stun", Traffic.MEDIA),
        (b"\x16\xfe\xfddtls", Traffic.MEDIA),
        (b"\x40\x01turn", Traffic.MEDIA),
        (b"\xff\xff", Traffic.UDP),
        (b"\r\n\r\n", Traffic.UDP),
        (b"PING", Traffic.UDP),
        (b"", Traffic.UDP),
    ],
)
def test_udp_is_told_by_the_first_bytes_of_its_payload(payload: bytes, traffic: Traffic) -> None:
    """As RFC 7983 tells media apart, with SIP by its first line."""
    assert udp_traffic(payload) is traffic
    assert heading(ipv4(UDP, udp(payload))).traffic is traffic


def test_a_flow_is_its_protocol_addresses_and_ports() -> None:
    """The checksum and the identification, which differ from packet to packet, are no part of it."""
    packet = ipv4(UDP, udp(b"\x80"))
    assert heading(packet) == ((UDP, ADDRESSES + PORTS), Traffic.MEDIA, False)
    assert is_whole_udp(packet)


def test_options_of_the_header_are_skipped() -> None:
    """Ports and payload are found behind them."""
    packet = ipv4(UDP, udp(b"\x80"), options=b"\x01" * 8)
    assert heading(packet) == ((UDP, ADDRESSES + PORTS), Traffic.MEDIA, False)
    assert not is_whole_udp(packet)


@pytest.mark.parametrize("fragment", [0x2000, 0x2001, 0x00B9])
def test_a_fragment_is_told_by_its_flag_or_its_offset(fragment: int) -> None:
    """Its ports are not read, which only the first one has."""
    packet = ipv4(UDP, udp(b"\x80"), fragment=fragment)
    assert heading(packet) == ((UDP, ADDRESSES), Traffic.UDP, True)
    assert not is_whole_udp(packet)


def test_a_packet_that_must_not_be_fragmented_is_no_fragment() -> None:
    """The flag next to it says the opposite."""
    packet = ipv4(TCP, PORTS, fragment=0x4000)
    assert heading(packet) == ((TCP, ADDRESSES + PORTS), Traffic.TCP, False)


def test_other_protocols_are_flows_by_their_addresses() -> None:
    """ICMP has no ports."""
    assert heading(ipv4(1, b"\x08\x00")) == ((1, ADDRESSES), Traffic.OTHER, False)


@pytest.mark.parametrize("packet", [b"", b"\x60" + bytes(39), b"\x45" + bytes(18)])
def test_what_is_no_ipv4_is_told(packet: bytes) -> None:
    """IPv6, and what is too short for a header."""
    assert not is_ipv4(packet)


@given(payload=st.binary(max_size=60), old=st.binary(min_size=4, max_size=4), new=st.integers(0, 65535))
def test_a_packet_in_another_flow_has_the_checksum_that_it_would_have_been_sent_with(
    payload: bytes, old: bytes, new: int
) -> None:
    """Corrected by the difference of the ports (RFC 1624), and as good as made anew."""
    sent = with_checksum(ipv4(UDP, old + struct.pack("!HH", 8 + len(payload), 0) + payload))
    flow = ADDRESSES + new.to_bytes(2) + old[2:]
    changed = with_udp_flow(sent, flow)
    assert changed == with_checksum(sent[:12] + flow + sent[24:26] + bytes(2) + sent[28:])
    assert heading(changed).flow == (UDP, flow)


def test_a_packet_without_a_checksum_stays_without() -> None:
    """It is optional over IPv4 (RFC 768)."""
    changed = with_udp_flow(ipv4(UDP, udp(b"\x80")), ADDRESSES + b"\x01\x02" + PORTS[2:])
    assert changed[26:28] == bytes(2)
    assert changed[20:22] == b"\x01\x02"


def test_ports_are_in_a_whole_datagram_and_in_the_first_fragment_of_one() -> None:
    """Not in later ones, in TCP, or behind options."""
    assert has_udp_ports(ipv4(UDP, udp(b"\x80")))
    assert has_udp_ports(ipv4(UDP, udp(b"\x80"), fragment=0x2000))
    assert not has_udp_ports(ipv4(UDP, udp(b"\x80"), fragment=0x00B9))
    assert not has_udp_ports(ipv4(UDP, udp(b"\x80"), options=b"\x01" * 8))
    assert not has_udp_ports(ipv4(TCP, PORTS + bytes(16)))
    assert not has_udp_ports(b"\x45")


def with_checksum(packet: bytes) -> bytes:
    """The packet with the checksum of its UDP datagram and pseudo header (RFC 768)."""
    rest = packet[20:26] + bytes(2) + packet[28:]
    covered = packet[12:20] + bytes((0, UDP)) + len(rest).to_bytes(2) + rest + bytes(len(rest) % 2)
    total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return packet[:26] + ((total ^ 0xFFFF) or 0xFFFF).to_bytes(2) + packet[28:]
