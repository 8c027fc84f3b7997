"""The reference agent: livekit-agents unchanged, a conversation of tones, one audio filter or none."""

import asyncio
import importlib
import logging
import math
import os
import signal
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from livekit import rtc
from livekit.agents import AgentServer, AutoSubscribe, JobContext, JobProcess

import ringtime_filters
from lab import agent_events
from lab.control import ask
from lab.conversation import FRAME_S, RATE_HZ, Manners, Turns
from lab.vendor import MODULE as VENDOR_MODULE
from network.lifetime import die_with

_SAMPLE_RATE_HZ = 48000  # what Opus and the FFI work at: no resampling
_FRAME_S = 0.1  # 20 ms frames cost more than the call itself
_TONE_HZ = 440
_GREETING_S = 1.0
_REPLY_S = 0.5
_LOOK_S = 0.02
# Agents have hosts of their own in a deployment. Here they share the machine with server and trunk, and a
# score of them would leave the trunk, which is one process, too little to answer a call.
_NICE = 10
_TONE_AMPLITUDE = 8000  # of 32767: clearly audible after G.711, far from clipping

_log = logging.getLogger("lab.agent")  # __name__ is __mp_main__ in a job process


def prewarm(_: JobProcess) -> None:
    """Register this arm's audio filter in a fresh job process, before any room is joined."""
    # Job processes ignore SIGTERM and can be held in a filter: nothing but the kernel ends them for certain.
    die_with(os.getppid())
    agent_events.record(_log.name)
    kind = os.environ["RINGTIME_ARM_KIND"]
    deadline_s = float(os.environ["RINGTIME_BOUND_S"])
    if kind.startswith("vendor-"):
        if kind.endswith("-bounded"):
            ringtime_filters.bound(deadline_s)
        importlib.import_module(VENDOR_MODULE)  # registers its filter
    elif kind != "none":
        ringtime_filters.register(kind, deadline_s=deadline_s)


async def take_call(ctx: JobContext) -> None:
    """Join the room, greet, answer phrases and stay until the caller has left, as an AgentSession does."""
    if control := os.environ.get("RINGTIME_SETTINGS_CONTROL"):
        # A fault below HTTP strikes at an endpoint of its own, of which only the filter's environment tells.
        told = await ask(Path(control), {"set_up": ctx.job.room.name})
        os.environ.update(told["environment"])
    manners = Manners.of()
    turns = Turns(manners.delay_s)
    listening: set[asyncio.Task[None]] = set()  # the loop alone does not keep them
    ctx.room.on(
        "track_subscribed", lambda track, *_: listening.add(asyncio.create_task(_listen(track, turns)))
    )
    began_s = time.monotonic()
    await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    _log.info("connected to room %s in %.3f s", ctx.room.name, time.monotonic() - began_s)
    source = rtc.AudioSource(_SAMPLE_RATE_HZ, num_channels=1, queue_size_ms=400)
    track = rtc.LocalAudioTrack.create_audio_track("tone", source)
    await ctx.room.local_participant.publish_track(
        track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    )
    await _speak(ctx.room, source, manners, turns)
    ctx.shutdown("the caller has left")


async def _listen(track: rtc.Track, turns: Turns) -> None:
    """Hear the caller, until the track ends."""
    stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=round(2000 * FRAME_S))
    async for event in stream:
        turns.hear(array("h", bytes(event.frame.data)), time.monotonic())


async def _speak(room: rtc.Room, source: rtc.AudioSource, manners: Manners, turns: Turns) -> None:
    """Greet until a second after the call is up, then answer, until the caller has left."""
    frame = tone_frame()
    until_s, dies_s = math.inf, math.inf
    while room.isconnected() and room.remote_participants:
        now_s = time.monotonic()
        if until_s == math.inf and _is_up(room):
            until_s = now_s + _GREETING_S
            dies_s = math.inf if manners.dies_after_s is None else now_s + manners.dies_after_s
        if now_s >= dies_s:
            _log.info("dies in mid-call, as it was told to")
            os.kill(os.getpid(), signal.SIGKILL)
        if now_s < until_s:
            await source.capture_frame(frame)
        elif turns.answer_at_s is not None and now_s >= turns.answer_at_s:
            _log.info("answers %.3f s after the end of a phrase", now_s - (turns.phrase_ended_s or now_s))
            turns.answered()
            until_s = now_s + _REPLY_S
        else:
            await asyncio.sleep(min(_LOOK_S, max(0.0, (turns.answer_at_s or math.inf) - now_s)))


def _is_up(room: rtc.Room) -> bool:
    """Whether the caller hears it: livekit-sip publishes what became of the call as an attribute."""
    callers = room.remote_participants.values()
    return any(caller.attributes.get("sip.callStatus") == "active" for caller in callers)


def tone_frame() -> rtc.AudioFrame:
    """One frame of the tone, a whole number of its periods, so that frames join without a click."""
    count = round(_SAMPLE_RATE_HZ * _FRAME_S)
    step = 2 * math.pi * _TONE_HZ / _SAMPLE_RATE_HZ
    samples = array("h", (round(_TONE_AMPLITUDE * math.sin(step * n)) for n in range(count)))
    return rtc.AudioFrame(samples.tobytes(), _SAMPLE_RATE_HZ, num_channels=1, samples_per_channel=count)


def agent_server() -> AgentServer:
    """The worker, configured by its environment: it takes every job, or as many at once as it may."""
    idle, most = (
        int(os.environ.get("RINGTIME_IDLE_PROCESSES", "4")),
        os.environ.get("RINGTIME_AGENT_PROCESSES"),
    )
    server = AgentServer(
        host="127.0.0.1",
        port=0,
        load_fnc=share_in_use(int(most)) if most else no_load,
        load_threshold=1.0 if most else math.inf,
        num_idle_processes=min(idle, int(most)) if most else idle,
        setup_fnc=prewarm,
        initialize_process_timeout=60,  # registered shall mean warm, on a busy machine too
    )
    server.rtc_session(take_call, agent_name=os.environ["RINGTIME_AGENT_NAME"])
    return server


def no_load() -> float:
    """Report an idle worker: shedding load would hide from the caller what load does."""
    return 0.0


def share_in_use(processes: int) -> Callable[[AgentServer], float]:
    """Report how many of so many processes have a job: with all of them busy no job is taken."""

    def share(server: AgentServer) -> float:
        return len(server.active_jobs) / processes

    return share


def main() -> None:
    """Run the worker until it is ended."""
    try:
        Manners.of()
    except ValueError as error:
        sys.exit(str(error))
    os.nice(_NICE)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(agent_server().run())


if __name__ == "__main__":
    main()
