"""Audio frames between the trunk and LiveKit's SDK, without a task and a queue per frame.

The SDK hands every event to the queue of every subscriber: with n calls each of 100 audio events a second,
n x n x 100 wake-ups a second. Here the events of audio are taken out before they are handed round and go
straight to the call they belong to. This is the one module that reaches below the SDK's public surface.
"""

# The SDK keeps what is used here private; mypy and the tests of this package notice when it moves.
# ruff: noqa: SLF001

import ctypes
from collections import deque
from typing import Any

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle, FfiQueue
from livekit.rtc._proto import audio_frame_pb2, ffi_pb2

RATE_HZ = 8000
FRAME_MS = 20
QUEUE_MS = 200
"""How far a caller's audio may run ahead of the room before it is dropped."""

_FRAME_BYTES = RATE_HZ * FRAME_MS // 1000 * 2
_START_FRAMES = 2  # buffered before a frame is let out: the two clocks are never quite in step
_MOST_FRAMES = 6

_hearing: dict[int, "Hearing"] = {}


class _AudioFirst(FfiQueue[Any]):
    """The SDK's distributor of events, which no longer distributes audio."""

    def put(self, item: Any) -> None:
        kind = item.WhichOneof("message")
        if kind == "audio_stream_event":
            _deliver(item.audio_stream_event)
        elif kind != "capture_audio_frame":  # nobody waits for these: see Speech
            super().put(item)


def take_over_audio() -> None:
    """Take audio out of the SDK's distribution of events; once, before the first room of the process."""
    FfiClient.instance._queue = _AudioFirst()


def _deliver(event: Any) -> None:
    # On a thread of the SDK: copies, appends, and leaves.
    if event.WhichOneof("message") != "frame_received":
        return
    frame = event.frame_received.frame
    hearing = _hearing.get(event.stream_handle)
    if hearing is not None:
        hearing._frames.append(ctypes.string_at(frame.info.data_ptr, 2 * frame.info.samples_per_channel))
    FfiHandle(frame.handle.id).dispose()


class Hearing:
    """What a participant of the room says, in frames of 20 ms at 8 kHz."""

    def __init__(self, track: rtc.RemoteAudioTrack) -> None:
        request = ffi_pb2.FfiRequest()
        request.new_audio_stream.track_handle = track._ffi_handle.handle
        request.new_audio_stream.type = audio_frame_pb2.AudioStreamType.AUDIO_STREAM_NATIVE
        request.new_audio_stream.sample_rate = RATE_HZ
        request.new_audio_stream.num_channels = 1
        request.new_audio_stream.frame_size_ms = FRAME_MS
        self._frames: deque[bytes] = deque(maxlen=_MOST_FRAMES)
        self._buffering = True
        self._handle = FfiHandle(FfiClient.instance.request(request).new_audio_stream.stream.handle.id)
        _hearing[self._handle.handle] = self

    def next_frame(self) -> bytes | None:
        """The next 20 ms, or None while there is nothing."""
        if not self._frames:
            self._buffering = True
        if self._buffering and len(self._frames) < _START_FRAMES:
            return None
        self._buffering = False
        frame = self._frames.popleft()
        return frame if len(frame) == _FRAME_BYTES else None

    def close(self) -> None:
        """Stop listening."""
        _hearing.pop(self._handle.handle, None)
        self._handle.dispose()


class Speech:
    """What the caller says, on its way into the room."""

    def __init__(self, name: str) -> None:
        """Make a track of this name; it carries nothing before it is published."""
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=QUEUE_MS)
        self.track = rtc.LocalAudioTrack.create_audio_track(name, self._source)

    def say(self, pcm: bytes) -> None:
        """Queue 8 kHz 16-bit PCM; what no longer fits is dropped."""
        request = ffi_pb2.FfiRequest()
        capture = request.capture_audio_frame
        capture.source_handle = self._source._ffi_handle.handle
        capture.buffer.data_ptr = ctypes.cast(ctypes.c_char_p(pcm), ctypes.c_void_p).value or 0
        capture.buffer.sample_rate = RATE_HZ
        capture.buffer.num_channels = 1
        capture.buffer.samples_per_channel = len(pcm) // 2
        FfiClient.instance.request(request)  # copies the samples before it returns

    async def close(self) -> None:
        """Stop speaking."""
        await self._source.aclose()
        self.track._ffi_handle.dispose()  # or the source's thread outlives the call
