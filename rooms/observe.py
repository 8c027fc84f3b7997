"""What the room side sees of every call, taken from LiveKit's webhooks as they arrive."""

import contextlib
import json
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from livekit.api import TokenVerifier, WebhookReceiver
from livekit.protocol import webhook

from rooms.event import LEAVING, kind_of, room_event
from rooms.lifetime import ending

WEBHOOK_PATH = "/webhook"
STATUS_PATH = "/status"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Observer:
    """Receives webhooks, refuses those that LiveKit did not sign, and appends the rest to a file."""

    receiver: WebhookReceiver
    descriptor: int
    received: int = field(default=0, init=False)
    rejected: int = field(default=0, init=False)
    _kinds: dict[str, str] = field(default_factory=dict, init=False)  # of those present, by participant id

    async def take(self, request: web.Request) -> web.Response:
        """Take one webhook: 200, or 401 when its signature is missing or wrong."""
        received_unix = time.time()
        body = await request.text()
        try:
            event = self.receiver.receive(body, request.headers.get("Authorization", ""))
        except Exception as error:  # the receiver raises bare Exception for half of its refusals
            self.rejected += 1
            _log.warning(
                "A webhook from %s was refused, its signature does not fit: %s", request.remote, error
            )
            return web.Response(status=401)
        self.received += 1
        record = room_event(event, received_unix, kind=self._kind(event), source="webhook")
        if record is not None:
            record.append_to(self.descriptor)
        return web.Response()

    def _kind(self, event: webhook.WebhookEvent) -> str | None:
        """The participant's kind, which webhooks about tracks do not carry: remembered from its arrival."""
        participant = event.participant
        if event.event in LEAVING:
            self._kinds.pop(participant.sid, None)
        elif event.event == "participant_joined":
            self._kinds[participant.sid] = kind_of(participant)
        elif event.event.startswith("track_"):
            return self._kinds.get(participant.sid)
        return kind_of(participant) if event.HasField("participant") else None

    async def status(self, _: web.Request) -> web.Response:
        """This host's wall clock, and how many webhooks were received and refused."""
        return web.json_response({"unix": time.time(), "received": self.received, "rejected": self.rejected})


@contextlib.asynccontextmanager
async def observing(out: Path, *, key: str, secret: str, port: int = 0) -> AsyncIterator[int]:
    """Receive webhooks on a port of 127.0.0.1 (0: a free one), which it yields, and append them to `out`.

    Raises:
        OSError: The port is taken, or `out` cannot be written.
    """
    descriptor = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        observer = Observer(WebhookReceiver(TokenVerifier(key, secret)), descriptor)
        app = web.Application()
        app.add_routes([web.post(WEBHOOK_PATH, observer.take), web.get(STATUS_PATH, observer.status)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()
    finally:
        os.close(descriptor)


async def observe(out: Path, *, key: str, secret: str, port: int) -> None:
    """Announce the port on standard output, then observe until SIGTERM or SIGINT."""
    ended = ending(with_standard_input=False)
    async with observing(out, key=key, secret=secret, port=port) as bound:
        print(json.dumps({"ready": True, "port": bound}), flush=True)
        await ended.wait()
