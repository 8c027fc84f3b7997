"""Participants of real rooms through LiveKit's SDK, in a process of their own.

The SDK's threads do not go when its rooms do, and call back into Python: in the process of the tests they
would cost time for the rest of the session, hold up its forks, and abort it at the end.

`python -m tests.visitors` takes a command a line, a JSON object, and answers each with a line.
"""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc

ROOT = Path(__file__).parents[1]


class Visitors:
    """The process, from the tests' side: each call returns when it is done."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.visitors"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def join(self, url: str, token: str, *, speak: bool = False) -> str:
        """Join the token's room, and publish a tone there if asked to; what to call the participant here."""
        name = uuid.uuid4().hex
        self._do("join", name, url=url, token=token, speak=speak)
        return name

    def loudest(self, name: str, *, frames: int) -> int:
        """The highest sample among that many frames of 20 ms of the first other voice in its room."""
        return int(self._do("loudest", name, frames=frames))

    def leave(self, name: str) -> None:
        """Have it leave its room."""
        self._do("leave", name)

    def close(self) -> None:
        """Have all leave, and end the process, whose SDK may hang where a room's server has gone before."""
        try:
            self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _do(self, command: str, name: str, **arguments: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, "name": name, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["error"] is None, answer["error"]
        return answer["result"]


class Participant:
    """One of them, on the other side."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self._source: rtc.AudioSource | None = None
        self._track: rtc.LocalAudioTrack | None = None
        self._speaking: asyncio.Task[None] | None = None

    async def speak(self) -> None:
        """Publish a tone, as an agent would."""
        self._source = rtc.AudioSource(48000, 1)
        self._track = rtc.LocalAudioTrack.create_audio_track("voice", self._source)
        self._speaking = asyncio.create_task(_tone(self._source))
        await self.room.local_participant.publish_track(self._track)

    async def loudest(self, frames: int) -> int:
        """The highest sample among what somebody else in the room says."""
        others = [p.track_publications.values() for p in self.room.remote_participants.values()]
        track = next(one.track for publications in others for one in publications if one.track is not None)
        stream = rtc.AudioStream(track, sample_rate=8000, frame_size_ms=20)
        loudest = 0
        for _ in range(frames):
            event = await anext(stream)
            loudest = max(loudest, int(np.abs(np.frombuffer(event.frame.data, np.int16)).max()))
        await stream.aclose()
        return loudest

    async def leave(self) -> None:
        """Leave the room, and stop encoding, which the SDK would go on with."""
        if self._speaking is not None:
            self._speaking.cancel()
            await asyncio.wait([self._speaking])
        await self.room.disconnect()
        if self._source is not None and self._track is not None:
            await self._source.aclose()
            self._track._ffi_handle.dispose()


async def _tone(source: rtc.AudioSource) -> None:
    period = np.repeat(np.array([8000, -8000], np.int16), 60)  # a square wave of 400 Hz
    samples = np.tile(period, 40)  # 100 ms
    while True:
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), 48000, 1, len(samples)))


async def _serve() -> None:
    present: dict[str, Participant] = {}

    async def do(command: dict[str, Any]) -> object:
        name = command["name"]
        match command["do"]:
            case "join":
                one = Participant()
                await one.room.connect(command["url"], command["token"])
                present[name] = one
                if command["speak"]:
                    await one.speak()
            case "loudest":
                return await present[name].loudest(command["frames"])
            case "leave":
                await present.pop(name).leave()
        return None

    while line := await asyncio.to_thread(sys.stdin.readline):
        result, error = None, None
        try:
            result = await asyncio.wait_for(do(json.loads(line)), 20)
        except Exception as raised:  # whatever it is, the test is told
            error = repr(raised)
        print(json.dumps({"result": result, "error": error}), flush=True)
    for one in present.values():
        await one.leave()


if __name__ == "__main__":
    asyncio.run(_serve())
    os._exit(0)  # past the SDK's threads, which would abort a Python that is finalising
