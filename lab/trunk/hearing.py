"""What a voice of the room says, buffered between its clock and the caller's."""

from aiortp.packet import RtpPacket

from lab.trunk.webrtc.opus import Decoder

FRAME_BYTES = 320
"""20 ms of 16-bit PCM at 8 kHz."""

_START_BYTES = 2 * FRAME_BYTES  # buffered before anything is let out: the two clocks are never quite in step
_MOST_BYTES = 6 * FRAME_BYTES
_STALE = 1 << 15  # RTP sequence numbers: half the circle ahead is behind


class Hearing:
    """One voice."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._pcm = bytearray()
        self._buffering = True
        self._last: int | None = None

    def receive(self, packet: RtpPacket) -> None:
        """Take a packet; one that is late is dropped, one that is missing is not waited for."""
        ahead = 1 if self._last is None else (packet.sequence_number - self._last) & 0xFFFF
        if not 0 < ahead < _STALE:
            return
        self._last = packet.sequence_number
        if packet.payload:  # the server keeps a muted track alive with padding alone
            self._pcm += self._decoder.decode(packet.payload)
            if len(self._pcm) > _MOST_BYTES:
                del self._pcm[: len(self._pcm) - _MOST_BYTES]

    def next_frame(self) -> bytes | None:
        """The next 20 ms, or None while there is nothing."""
        if len(self._pcm) < (_START_BYTES if self._buffering else FRAME_BYTES):
            self._buffering = True
            return None
        self._buffering = False
        frame = bytes(self._pcm[:FRAME_BYTES])
        del self._pcm[:FRAME_BYTES]
        return frame
