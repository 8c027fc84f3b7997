"""RTP in a capture: how evenly calls send, and when what they hear came."""

import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from benchmarks.capture import Packet
from benchmarks.errors import BenchmarkError
from sip.record import CallRecord, Epoch

_FRAME_MS = 20.0
_CLOCKS_S = 1e-4  # that two readings of one moment may lie apart
_CALL_ID = re.compile(rb"^Call-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_AUDIO = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)


def ports_of_callers(packets: Iterable[Packet], *, far_port: int) -> Mapping[str, int]:
    """By Call-ID the port at which the caller is to be heard, as its INVITE says."""
    found: dict[str, int] = {}
    for packet in packets:
        if packet.to_port == far_port and packet.payload.startswith(b"INVITE "):
            call_id, audio = _CALL_ID.search(packet.payload), _AUDIO.search(packet.payload)
            if call_id is not None and audio is not None:
                found[call_id[1].decode()] = int(audio[1])
    return found


def send_jitter_ms(packets: Iterable[Packet], ports: Iterable[int]) -> list[float]:
    """How far each packet from these ports was from its place on its call's own grid of 20 ms.

    The grid lies where half the packets of the call are later and half are earlier; a packet's place on it
    is its sequence number (RFC 3550 section 5.1).
    """
    wanted = set(ports)
    places: defaultdict[int, list[float]] = defaultdict(list)
    first: dict[int, tuple[int, int]] = {}
    for packet in packets:
        if packet.from_port in wanted and _is_rtp(packet):
            number = struct.unpack_from("!H", packet.payload, 2)[0]
            since_number, since_ns = first.setdefault(packet.from_port, (number, packet.at_ns))
            frames = (number - since_number + 32_768) % 65_536 - 32_768
            places[packet.from_port].append((packet.at_ns - since_ns) / 1e6 - frames * _FRAME_MS)
    return [abs(place - middle) for call in places.values() for middle in (median(call),) for place in call]


def receive_error_ms(
    packets: Iterable[Packet], ports: Mapping[str, int], records: Sequence[CallRecord], epoch: Epoch
) -> list[float]:
    """By how much a call's first packet after its answer is later on record than it came; of those captured.

    Raises:
        BenchmarkError: A packet is on record and not in the capture.
    """
    came: defaultdict[int, list[float]] = defaultdict(list)
    for packet in packets:
        if _is_rtp(packet):
            came[packet.to_port].append(packet.at_ns / 1e9)
    found = []
    for record in records:
        times = came.get(ports.get(record.sip_call_id or "", 0))
        if times is None or record.first_packet_s is None or record.answered_s is None:
            continue
        answered_unix = epoch.unix + record.answered_s - _CLOCKS_S
        at_unix = next((each for each in times if each >= answered_unix), None)
        if at_unix is None:
            raise BenchmarkError(f"the capture lacks the first packet of call {record.call_id}")
        found.append(1e3 * (epoch.unix + record.first_packet_s - at_unix))
    return found


def _is_rtp(packet: Packet) -> bool:
    """Its version, and not the payload types that RTCP beside it would have (RFC 5761 section 4)."""
    payload = packet.payload
    return len(payload) >= 12 and payload[0] >> 6 == 2 and not 64 <= payload[1] & 0x7F < 96
