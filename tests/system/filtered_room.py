"""Two participants of a real room: one speaks, the other listens through a wrapped filter.

filtered_room.py URL MODE DEADLINE_S FILTER: prints a line of JSON when the listener is connected, one when it
hears the speaker and, in background mode, one when it does no more: FILTER silences what goes through it.
"""

import array
import asyncio
import json
import math
import os
import sys
import time
from collections.abc import Callable

from livekit import api, rtc

import ringtime_filters

RATE_HZ, LISTENER_HZ = 48000, 24000
LOUD = 1000


def token(identity: str) -> str:
    """A token for the room; key and secret come from the environment."""
    grants = api.VideoGrants(room_join=True, room="filtered")
    return api.AccessToken().with_identity(identity).with_grants(grants).to_jwt()


def say(**what: object) -> None:
    """One line of JSON."""
    print(json.dumps(what), flush=True)


async def speak(room: rtc.Room) -> None:
    """Publish a tone for ever."""
    source = rtc.AudioSource(RATE_HZ, num_channels=1)
    track = rtc.LocalAudioTrack.create_audio_track("tone", source)
    await room.local_participant.publish_track(track)
    tone = array.array("h", (round(8000 * math.sin(2 * math.pi * 440 * n / RATE_HZ)) for n in range(4800)))
    while True:
        await source.capture_frame(rtc.AudioFrame(tone.tobytes(), RATE_HZ, 1, len(tone)))


async def hear(stream: rtc.AudioStream, expected: Callable[[float], bool]) -> None:
    """Listen until it is as loud as expected."""
    async for event in stream:
        level = math.sqrt(sum(sample * sample for sample in event.frame.data) / len(event.frame.data))
        if expected(level):
            say(level=level, rate_hz=event.frame.sample_rate)
            return


async def main(url: str, mode: str, deadline_s: str, path: str) -> None:
    """Connect the speaker, then the listener behind the filter."""
    speaker, listener = rtc.Room(), rtc.Room()
    await speaker.connect(url, token("speaker"))
    speaking = asyncio.create_task(speak(speaker))

    ringtime_filters.bound(float(deadline_s), mode="background" if mode == "background" else "deadline")
    rtc.AudioFilter("silencing", path)
    subscribed: asyncio.Future[rtc.Track] = asyncio.get_running_loop().create_future()
    listener.on("track_subscribed", lambda track, *_: subscribed.done() or subscribed.set_result(track))
    began_s = time.monotonic()
    await listener.connect(url, token("listener"))
    say(connected_s=time.monotonic() - began_s)

    through = rtc.NoiseCancellationOptions("silencing", {})
    stream = rtc.AudioStream(
        await subscribed, sample_rate=LISTENER_HZ, num_channels=1, noise_cancellation=through
    )
    await hear(stream, lambda level: level > LOUD)
    if mode == "background":
        await hear(stream, lambda level: level == 0)
    speaking.cancel()


asyncio.run(main(*sys.argv[1:]))
os._exit(0)  # the SDK's threads let no process end in order
