"""A line of room-events.jsonl: what the room's side saw of a call, whichever way it was seen."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from livekit.protocol import models, webhook

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
LEAVING = frozenset({"participant_left", "participant_connection_aborted"})
_KINDS = {
    models.ParticipantInfo.Kind.SIP: "sip",
    models.ParticipantInfo.Kind.AGENT: "agent",
    models.ParticipantInfo.Kind.STANDARD: "standard",
}
_TRACKS = {models.TrackType.AUDIO: "audio", models.TrackType.VIDEO: "video", models.TrackType.DATA: "data"}
_KEPT_ATTRIBUTES = ("sip.", "lktest.")
CALL_ID_ATTRIBUTE = "lktest.id"  # the INVITE's X-Lk-Test-Id


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEvent:
    """One line (`schemas/room-events.json`); `joined_unix` and `event_unix` are of LiveKit's clock."""

    received_unix: float
    source: str
    event: str
    room: str
    since_unix: float | None = None
    event_unix: float | None = None
    call_id: str | None = None
    identity: str | None = None
    kind: str | None = None
    joined_unix: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    track: str | None = None
    disconnect_reason: str | None = None

    def append_to(self, descriptor: int) -> None:
        """Write it in one piece to an O_APPEND descriptor: a writer that is killed leaves whole lines."""
        os.write(descriptor, (json.dumps(asdict(self)) + "\n").encode())


def room_event(
    event: webhook.WebhookEvent,
    received_unix: float,
    *,
    kind: str | None,
    source: str,
    since_unix: float | None = None,
) -> RoomEvent | None:
    """What a webhook says, or None for one that is no part of a call.

    Args:
        event: as LiveKit sends it.
        received_unix: this host's clock.
        kind: the participant's, which not every webhook tells.
        source: `webhook`, or `poll` for what would have been one.
        since_unix: this host's clock when it had not happened yet, where that is known.
    """
    if event.event not in _EVENTS:
        return None
    participant = event.participant if event.HasField("participant") else None
    attributes = {
        name: value
        for name, value in (participant.attributes.items() if participant else ())
        if name.startswith(_KEPT_ATTRIBUTES)
    }
    left = event.event in LEAVING
    return RoomEvent(
        received_unix=received_unix,
        source=source,
        event=event.event,
        room=event.room.name,
        since_unix=since_unix,
        event_unix=float(event.created_at) or None,
        call_id=attributes.get(CALL_ID_ATTRIBUTE),
        identity=participant.identity if participant else None,
        kind=kind,
        joined_unix=(participant.joined_at_ms / 1000 or None) if participant else None,
        attributes=attributes,
        track=_TRACKS.get(event.track.type) if event.HasField("track") else None,
        disconnect_reason=(
            models.DisconnectReason.Name(participant.disconnect_reason) if participant and left else None
        ),
    )


def kind_of(participant: models.ParticipantInfo) -> str:
    """The schema's word for what a participant is."""
    return _KINDS.get(participant.kind, "other")
