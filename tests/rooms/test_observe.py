"""Facts about the observer of LiveKit's webhooks."""

import asyncio
import base64
import hashlib
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from google.protobuf.json_format import MessageToJson
from livekit import api
from livekit.protocol import models

from rooms.__main__ import main
from rooms.observe import STATUS_PATH, WEBHOOK_PATH, observing
from tests.rooms.webhooks import AGENT, event

KEY, SECRET = "APItest", "a secret of more than thirty-two characters"


def signed(body: str, secret: str = SECRET) -> dict[str, str]:
    """The header that the server puts on a webhook."""
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    return {"Authorization": api.AccessToken(KEY, secret).with_sha256(digest).to_jwt()}


def observe(
    tmp_path: Path, send: Callable[[aiohttp.ClientSession, str], Awaitable[None]]
) -> list[dict[str, Any]]:
    """What an observer has written after `send` was through with it."""
    out = tmp_path / "room-events.jsonl"

    async def run() -> None:
        async with observing(out, key=KEY, secret=SECRET) as port, aiohttp.ClientSession() as session:
            await send(session, f"http://127.0.0.1:{port}")

    asyncio.run(run())
    return [json.loads(line) for line in out.read_text().splitlines()]


async def post(session: aiohttp.ClientSession, base: str, body: str, headers: dict[str, str]) -> int:
    """Deliver a webhook and return the status of the answer."""
    async with session.post(base + WEBHOOK_PATH, data=body, headers=headers) as answer:
        return answer.status


def test_a_track_is_told_to_be_an_agents_although_the_webhook_does_not_say(tmp_path: Path) -> None:
    """Webhooks about tracks carry no kind: it is remembered from the participant's arrival."""
    publisher = models.ParticipantInfo(sid=AGENT.sid, identity=AGENT.identity)
    track = models.TrackInfo(type=models.TrackType.AUDIO)

    async def send(session: aiohttp.ClientSession, base: str) -> None:
        for sent in (
            event("participant_joined", participant=AGENT),
            event("track_published", participant=publisher, track=track),
        ):
            body = MessageToJson(sent)
            assert await post(session, base, body, signed(body)) == 200

    joined, published = observe(tmp_path, send)

    assert joined["kind"] == "agent"
    assert (published["kind"], published["track"]) == ("agent", "audio")


def test_a_track_of_nobody_known_is_of_no_kind(tmp_path: Path) -> None:
    """A kind that was not seen is not made up."""
    body = MessageToJson(
        event("track_published", participant=models.ParticipantInfo(sid="PA_x", identity="x"))
    )

    async def send(session: aiohttp.ClientSession, base: str) -> None:
        assert await post(session, base, body, signed(body)) == 200

    (published,) = observe(tmp_path, send)

    assert published["kind"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "nonsense"},
        signed("another body"),
        signed('{"event": "room_started"}', "x" * 32),
    ],
    ids=["none", "no token", "of another body", "of another secret"],
)
def test_a_webhook_with_a_wrong_signature_is_refused_and_counted(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    """It gets 401, leaves no record and is counted."""

    async def send(session: aiohttp.ClientSession, base: str) -> None:
        assert await post(session, base, '{"event": "room_started"}', headers) == 401
        async with session.get(base + STATUS_PATH) as answer:
            status = await answer.json()
        assert (status["received"], status["rejected"]) == (0, 1)

    assert observe(tmp_path, send) == []


def test_a_port_that_is_taken_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m rooms observe` names the port; exit code 1, no traceback."""
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert main(["observe", "--out", str(tmp_path / "events.jsonl"), "--port", str(port)]) == 1

    said = capsys.readouterr().err
    assert said.startswith("python -m rooms: observe failed: ")
    assert str(port) in said
    assert said.count("\n") == 1


def test_credentials_that_are_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence names the variables that are not set."""
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.delenv("LIVEKIT_API_SECRET", raising=False)

    assert main(["observe", "--out", str(tmp_path / "events.jsonl")]) == 1
    assert capsys.readouterr().err == "python -m rooms: LIVEKIT_API_SECRET must be set in the environment\n"
