"""The answered part of a call: the 200, the ACK, the media, and the BYE of this side."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from aiosipua import SipRequest, SipResponse

from lab.trunk.media import RtpPort
from lab.trunk.participant import SipParticipant
from lab.trunk.sockets import Peer

OK_REPEATS_S = (0.25, 0.5)
"""Pauses before the 200 is sent again while its ACK is missing."""
MEDIA_AFTER_ACK_S = 0.04
"""And up to 20 ms more, until the pulse beats: 50 ms on average, as livekit-sip's mixer takes."""
MEDIA_WITHOUT_ACK_S = 1.8
ACTIVE_WITHIN_S = 1.0
NOT_ACKNOWLEDGED_S = 7.755
NO_MEDIA_S = 30.0
MEDIA_ENDED_S = 15.0
BYE_REPEATS_S = (0.5, 1.0, 2.0, *(4.0,) * 7)


class End(StrEnum):
    """What ended a call."""

    CANCELLED = "cancelled"
    CALLER_BYE = "caller-bye"
    RING_TIMEOUT = "ring-timeout"
    NOT_JOINED = "not-joined"
    ROOM_CLOSED = "room-closed"
    NOT_ACKNOWLEDGED = "not-acknowledged"
    MEDIA_TIMEOUT = "media-timeout"
    TOO_LONG = "too-long"
    SHUTDOWN = "shutdown"


def media_deadline_s(answered_s: float, last_packet_s: float | None, *, acknowledged: bool) -> float:
    """When a call ends for want of the caller's RTP, on the clock of the arguments."""
    if last_packet_s is not None:
        return last_packet_s + MEDIA_ENDED_S
    return answered_s + (NO_MEDIA_S if acknowledged else NOT_ACKNOWLEDGED_S)


class Talk:
    """A call from its 200 on."""

    def __init__(
        self, peer: Peer, ok: SipResponse, bye: SipRequest, rtp: RtpPort, participant: SipParticipant
    ) -> None:
        """Prepare the answered call with both messages it may need; nothing is sent before `run`."""
        self.acknowledged = asyncio.Event()
        self.bye_answered = asyncio.Event()
        self._peer = peer
        self._ok = ok
        self._bye = bye
        self._rtp = rtp
        self._participant = participant

    async def run(self, end: Callable[[End], object], ended: asyncio.Future[End], longest_s: float) -> None:
        """Send the 200 and carry audio until `ended`, which timeouts bring about through `end`."""
        self._peer.reply(self._ok)
        async with asyncio.TaskGroup() as group:
            works = (
                self._repeat_ok(),
                self._send_media(),
                self._turn_active(),
                self._watch_media(end),
                self._watch_length(end, longest_s),
            )
            tasks = [group.create_task(work) for work in works]
            try:
                await asyncio.shield(ended)
            finally:
                for task in tasks:
                    task.cancel()

    async def hang_up(self, *, once: bool = False) -> None:
        """Send the BYE, over UDP again and again until it is answered (RFC 3261 17.1.2.2) unless `once`."""
        self._peer.send(self._bye)
        for pause_s in () if once else BYE_REPEATS_S:
            try:
                async with asyncio.timeout(pause_s):
                    await self.bye_answered.wait()
                    return
            except TimeoutError:
                if not self._peer.reliable:
                    self._peer.send(self._bye)

    async def _repeat_ok(self) -> None:
        if self._peer.reliable:
            return
        for pause_s in OK_REPEATS_S:
            try:
                async with asyncio.timeout(pause_s):
                    await self.acknowledged.wait()
                    return
            except TimeoutError:
                self._peer.reply(self._ok)

    async def _send_media(self) -> None:
        try:
            async with asyncio.timeout(0 if self._peer.reliable else MEDIA_WITHOUT_ACK_S):
                await self.acknowledged.wait()
        except TimeoutError:
            pass
        if self._peer.reliable or self.acknowledged.is_set():
            await asyncio.sleep(MEDIA_AFTER_ACK_S)
        self._rtp.start_sending()

    async def _turn_active(self) -> None:
        await asyncio.wait([self._rtp.first_packet], timeout=ACTIVE_WITHIN_S)
        await self._participant.set_status("active")

    async def _watch_media(self, end: Callable[[End], object]) -> None:
        loop = asyncio.get_running_loop()
        answered_s = loop.time()
        while True:
            acknowledged = self.acknowledged.is_set()
            due_s = media_deadline_s(answered_s, self._rtp.received_s, acknowledged=acknowledged)
            if due_s <= loop.time():
                lost = acknowledged or self._rtp.received_s is not None
                end(End.MEDIA_TIMEOUT if lost else End.NOT_ACKNOWLEDGED)
                return
            await asyncio.sleep(due_s - loop.time())

    async def _watch_length(self, end: Callable[[End], object], longest_s: float) -> None:
        await asyncio.sleep(longest_s)
        end(End.TOO_LONG)
