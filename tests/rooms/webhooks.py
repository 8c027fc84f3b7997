"""Webhooks and participants as a LiveKit server makes them."""

from typing import Any

from livekit.protocol import models, webhook

CALLER = models.ParticipantInfo(
    sid="PA_caller",
    identity="sip_4711",
    kind=models.ParticipantInfo.Kind.SIP,
    joined_at_ms=1_700_000_000_250,
    attributes={"sip.callID": "SCL_abc", "lktest.id": "call-7", "other": "private"},
)
AGENT = models.ParticipantInfo(sid="PA_agent", identity="agent-1", kind=models.ParticipantInfo.Kind.AGENT)


def event(name: str, **fields: Any) -> webhook.WebhookEvent:
    """A webhook as the server makes it."""
    return webhook.WebhookEvent(
        event=name, room=models.Room(name="room-1"), created_at=1_700_000_001, **fields
    )
