"""Captures: what a file of them holds, and whether all that passed is in one."""

import socket
import struct

import pytest

from benchmarks.capture import Packet, captured, missing_for_capture, read
from benchmarks.errors import BenchmarkError

LACKING = missing_for_capture()
NANOSECONDS, MICROSECONDS = 0xA1B23C4D, 0xA1B2C3D4  # pcap-savefile(5)


def frame(payload: bytes, options: bytes = b"") -> bytes:
    """An Ethernet frame with a UDP datagram from port 5060 to port 5062, padded as short ones are."""
    udp = struct.pack("!HHHH", 5060, 5062, 8 + len(payload), 0) + payload
    words, size = 5 + len(options) // 4, 20 + len(options) + len(udp)
    ip = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, size, 0, 0, 64, 17, 0, bytes(4), bytes(4)) + options
    return (bytes(12) + b"\x08\x00" + ip + udp).ljust(60, b"\0")


def file(*frames: bytes, magic: int = NANOSECONDS) -> bytes:
    """The frames as a file has them, one a second, 7 ns after it."""
    head = struct.pack("=IHHiIII", magic, 2, 4, 0, 0, 4096, 1)
    return head + b"".join(
        struct.pack("=IIII", second, 7, len(each), len(each)) + each for second, each in enumerate(frames, 1)
    )


def test_a_file_gives_its_datagrams_to_the_nanosecond() -> None:
    """Padding is no payload, and IP headers may have options."""
    assert list(read(file(frame(b"one"), frame(b"two", options=bytes(8))))) == [
        Packet(1_000_000_007, 5060, 5062, b"one"),
        Packet(2_000_000_007, 5060, 5062, b"two"),
    ]


def test_a_file_of_another_kind_is_refused() -> None:
    """Microseconds would be read as a thousandth of what they are."""
    with pytest.raises(BenchmarkError, match="not a capture of this machine's loopback: magic 0xa1b2c3d4"):
        list(read(file(frame(b"one"), magic=MICROSECONDS)))


@pytest.mark.system
@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
def test_a_capture_holds_every_datagram_of_the_block_once_and_in_order() -> None:
    """Two thousand in one go, the first and the last included."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        here = line.getsockname()
        with captured(here[1]) as packets:
            for number in range(2000):
                line.sendto(b"%d" % number, here)

    assert [int(each.payload) for each in packets] == list(range(2000))
    assert {(each.from_port, each.to_port) for each in packets} == {(here[1], here[1])}


@pytest.mark.system
@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
def test_a_capture_that_cannot_begin_says_why() -> None:
    """In tcpdump's own words, at once."""
    with pytest.raises(BenchmarkError, match="tcpdump ended with 1: tcpdump: "), captured(-1):
        pass
