"""Facts about what counts as the caller's RTP, and when."""

import asyncio
import socket
import struct

import pytest

from lab.trunk.media import NoPortError, RtpPort


def _packet(sequence: int, payload_type: int = 0) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, sequence, 160 * sequence, 7) + b"\x90" * 160


async def _after(*packets: bytes) -> tuple[RtpPort, list[bytes]]:
    """A port that has taken these, and what it made of them."""
    heard: list[bytes] = []
    port = RtpPort(heard.append, lambda: None)
    number = port.open("127.0.0.1", (20000, 29999))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        for packet in packets:
            caller.sendto(packet, ("127.0.0.1", number))
    port.beat()
    port.close(drain_s=0)
    await asyncio.sleep(0)
    return port, heard


@pytest.mark.parametrize("payload_type", [0, 8, 13])
def test_rtp_of_any_payload_type_counts_as_media(payload_type: int) -> None:
    """Only what was agreed is heard."""
    port, heard = asyncio.run(_after(_packet(0, payload_type)))

    assert port.received_s is not None
    assert bool(heard) is (payload_type == 0)


@pytest.mark.parametrize("noise", [b"", b"hello", b"\x00" * 40, struct.pack("!BBHI", 0x80, 200, 1, 7)])
def test_what_is_no_rtp_does_not_count(noise: bytes) -> None:
    """A caller that sends nothing else is hung up on."""
    port, heard = asyncio.run(_after(noise))

    assert (port.received_s, heard) == (None, [])


def test_a_packet_that_comes_twice_or_too_late_is_not_heard_again() -> None:
    """It still counts as received."""
    port, heard = asyncio.run(_after(*(_packet(number) for number in (1, 2, 2, 4, 3))))

    assert len(heard) == 3
    assert port.statistics()["port"] == {"packets": 5, "audio_packets": 3, "audio_bytes": 480}


def test_a_range_with_no_free_port_is_said() -> None:
    """Only even ports are used."""

    async def scenario() -> None:
        RtpPort(lambda _: None, lambda: None).open("127.0.0.1", (20001, 20001))

    with pytest.raises(NoPortError, match="20001 and 20001"):
        asyncio.run(scenario())
