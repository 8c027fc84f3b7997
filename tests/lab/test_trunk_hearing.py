"""Facts about the buffer between a voice of the room and the caller's clock."""

from aiortp.packet import RtpPacket

from lab.trunk.hearing import FRAME_BYTES, Hearing
from lab.trunk.webrtc.opus import Encoder


def _packets(count: int, *, first: int = 0) -> list[RtpPacket]:
    encoder = Encoder()
    silence = encoder.encode(bytes(FRAME_BYTES))
    encoder.close()
    return [RtpPacket(sequence_number=(first + index) & 0xFFFF, payload=silence) for index in range(count)]


def _frames(hearing: Hearing) -> int:
    count = 0
    while hearing.next_frame() is not None:
        count += 1
    return count


def test_two_frames_are_gathered_before_one_is_let_out() -> None:
    """The two clocks are never quite in step."""
    hearing = Hearing()
    first, second = _packets(2)

    hearing.receive(first)
    assert hearing.next_frame() is None
    hearing.receive(second)
    frame = hearing.next_frame()
    assert frame is not None
    assert len(frame) == FRAME_BYTES


def test_what_is_late_or_comes_twice_is_dropped() -> None:
    """What is missing is not waited for, and the numbers may start anew at 0."""
    hearing = Hearing()
    packets = _packets(5, first=0xFFFD)

    for index in (0, 1, 1, 4, 2):
        hearing.receive(packets[index])

    assert _frames(hearing) == 3


def test_a_voice_that_runs_ahead_loses_its_oldest() -> None:
    """No more than 120 ms wait."""
    hearing = Hearing()
    for packet in _packets(20):
        hearing.receive(packet)

    assert _frames(hearing) == 6


def test_padding_alone_is_no_voice() -> None:
    """The server sends it to keep a muted track alive."""
    hearing = Hearing()
    for index in range(5):
        hearing.receive(RtpPacket(sequence_number=index))

    assert hearing.next_frame() is None
