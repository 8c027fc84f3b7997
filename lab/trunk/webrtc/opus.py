"""Opus (RFC 6716) to and from the telephone's 8 kHz."""

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
CLOCK_HZ = 48000
"""The RTP clock of Opus, whatever is encoded (RFC 7587 4.1)."""
FRAME_SAMPLES = 160
"""Samples of 20 ms."""

_SILENCE = bytes(2 * FRAME_SAMPLES)
_TIMES = CLOCK_HZ // RATE_HZ
_BITRATE = 24000


def _low_pass() -> NDArray[np.float32]:
    """A windowed sinc that keeps what 8 kHz can hold: 72 taps at 48 kHz, 3.7 kHz."""
    count, cutoff_hz = 72, 3700
    at = np.arange(count) - (count - 1) / 2
    taps = np.sinc(2 * cutoff_hz / CLOCK_HZ * at) * np.hamming(count)
    return np.asarray(taps / taps.sum(), np.float32)


_TAPS = _low_pass()
_HISTORY = len(_TAPS) - _TIMES


class Encoder:
    """One voice into Opus: 20 ms a packet, with the least work the codec knows."""

    def __init__(self) -> None:
        context = av.AudioCodecContext.create("libopus", "w")
        context.sample_rate = RATE_HZ
        context.layout = "mono"
        context.format = "s16"
        context.bit_rate = _BITRATE
        context.time_base = Fraction(1, RATE_HZ)
        # CELT alone at complexity 0: half the time of the speech modes, and good enough for G.711.
        context.thread_count = 1
        context.options = {"application": "lowdelay", "compression_level": "0"}
        self._context: av.AudioCodecContext | None = context
        self._frame = av.AudioFrame("s16", "mono", FRAME_SAMPLES)
        self._frame.sample_rate = RATE_HZ
        self._frame.time_base = context.time_base
        self._samples = 0
        self._last = b""
        self._packet = b""

    def encode(self, pcm: bytes) -> bytes:
        """The packet of 160 samples of 16-bit PCM at 8 kHz."""
        # Silence after silence needs no thought: the packet that said so says it again.
        if pcm == self._last == _SILENCE:
            return self._packet
        self._last, self._packet = pcm, self._encode(pcm)
        return self._packet

    def _encode(self, pcm: bytes) -> bytes:
        if self._context is None:
            return b""
        self._frame.planes[0].update(pcm)
        self._frame.pts = self._samples
        self._samples += FRAME_SAMPLES
        return b"".join(bytes(packet) for packet in self._context.encode(self._frame))

    def close(self) -> None:
        """Let go of the codec, and of two threads that came with it."""
        self._context = None


class Decoder:
    """Opus packets into 16-bit PCM at 8 kHz."""

    def __init__(self) -> None:
        self._context = av.AudioCodecContext.create("libopus", "r")
        self._context.sample_rate = CLOCK_HZ
        self._context.layout = "mono"
        self._context.thread_count = 1
        self._thinning = _Thinning(FRAME_SAMPLES * _TIMES)

    def decode(self, packet: bytes) -> bytes:
        """The PCM of a packet, of whatever length it has; nothing when it is damaged."""
        try:
            frames = self._context.decode(av.Packet(packet))
        except av.FFmpegError:
            return b""
        return b"".join(self._thin_out(frame) for frame in frames)

    def _thin_out(self, frame: av.AudioFrame) -> bytes:
        if frame.samples != self._thinning.count:
            self._thinning = _Thinning(frame.samples)
        return self._thinning(bytes(frame.planes[0]))


class _Thinning:
    """Every sixth sample of a low-passed signal, in blocks of one length."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._signal = np.zeros(_HISTORY + count, np.float32)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._signal, len(_TAPS))[::_TIMES]

    def __call__(self, pcm: bytes) -> bytes:
        signal = self._signal
        signal[:_HISTORY] = signal[-_HISTORY:]
        signal[_HISTORY:] = np.frombuffer(pcm, np.int16, self.count)
        # Not `@`, whose threads spin longer than this takes.
        thinned: NDArray[np.float32] = np.einsum("ij,j->i", self._windows, _TAPS)
        return thinned.clip(-32768, 32767).astype(np.int16).tobytes()
