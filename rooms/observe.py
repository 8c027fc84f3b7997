"""What the room side sees of every call, taken from LiveKit's webhooks as they arrive."""

import contextlib
import json
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from livekit.api import TokenVerifier, WebhookReceiver
from livekit.protocol import models, webhook

from rooms.lifetime import ending

WEBHOOK_PATH = "/webhook"
STATUS_PATH = "/status"

_EVENTS = frozenset(
    {
        "room_started",
        "room_finished",
        "participant_joined",
        "participant_left",
        "participant_connection_aborted",
        "track_published",
        "track_unpublished",
    }
)
_LEAVING = frozenset({"participant_left", "participant_connection_aborted"})
_KINDS = {
    models.ParticipantInfo.Kind.SIP: "sip",
    models.ParticipantInfo.Kind.AGENT: "agent",
    models.ParticipantInfo.Kind.STANDARD: "standard",
}
_TRACKS = {models.TrackType.AUDIO: "audio", models.TrackType.VIDEO: "video", models.TrackType.DATA: "data"}
_KEPT_ATTRIBUTES = ("sip.", "lktest.")
_CALL_ID_ATTRIBUTE = "lktest.id"  # the INVITE's X-Lk-Test-Id

_log = logging.getLogger(__name__)


def room_event(
    event: webhook.WebhookEvent, received_unix: float, *, kind: str | None, source: str
) -> dict[str, Any] | None:
    """The line of room-events.jsonl for a webhook, or None for an event that is no part of a call."""
    if event.event not in _EVENTS:
        return None
    participant = event.participant if event.HasField("participant") else None
    attributes = {
        name: value
        for name, value in (participant.attributes.items() if participant else ())
        if name.startswith(_KEPT_ATTRIBUTES)
    }
    left = event.event in _LEAVING
    return {
        "received_unix": received_unix,
        "source": source,
        "event": event.event,
        "event_unix": float(event.created_at) or None,
        "room": event.room.name,
        "call_id": attributes.get(_CALL_ID_ATTRIBUTE),
        "identity": participant.identity if participant else None,
        "kind": kind,
        "joined_unix": (participant.joined_at_ms / 1000 or None) if participant else None,
        "attributes": attributes,
        "track": _TRACKS.get(event.track.type) if event.HasField("track") else None,
        "disconnect_reason": (
            models.DisconnectReason.Name(participant.disconnect_reason) if participant and left else None
        ),
    }


def kind_of(participant: models.ParticipantInfo) -> str:
    """The schema's word for what a participant is."""
    return _KINDS.get(participant.kind, "other")


def write_line(descriptor: int, record: dict[str, Any]) -> None:
    """Append a record in one write to an O_APPEND descriptor: a writer that is killed leaves whole lines."""
    os.write(descriptor, (json.dumps(record) + "\n").encode())


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
            write_line(self.descriptor, record)
        return web.Response()

    def _kind(self, event: webhook.WebhookEvent) -> str | None:
        """The participant's kind, which webhooks about tracks do not carry: remembered from its arrival."""
        participant = event.participant
        if event.event in _LEAVING:
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
