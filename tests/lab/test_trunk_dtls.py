"""Facts about the handshake that gives the media path its keys."""

import asyncio
import struct
from collections import deque

import pytest

from lab.trunk.srtp import Srtp
from lab.trunk.webrtc.dtls import Dtls, HandshakeError, fingerprint

PACKET = struct.pack("!BBHII", 0x80, 111, 1, 960, 7) + b"voice"


async def _shake_hands(expect: str) -> tuple[Dtls, Dtls]:
    """Both ends of a connection after everything they had to say was said."""
    wire: deque[tuple[str, bytes]] = deque()
    ends = {
        "server": Dtls(lambda data: wire.append(("client", data)), expect=fingerprint(), active=False),
        "client": Dtls(lambda data: wire.append(("server", data)), expect=expect, active=True),
    }
    for end in ends.values():
        end.start()
    while wire:
        to, data = wire.popleft()
        ends[to].receive(data)
    return ends["server"], ends["client"]


def test_both_ends_get_keys_that_fit() -> None:
    """What one protects the other can read, in both directions."""

    async def scenario() -> tuple[Srtp, Srtp]:
        server, client = await _shake_hands(fingerprint())
        return await server.agreed, await client.agreed

    server, client = asyncio.run(scenario())

    assert client.inward.unprotect(server.outward.protect(PACKET)) == PACKET
    assert server.inward.unprotect(client.outward.protect(PACKET)) == PACKET


def test_a_certificate_that_was_not_announced_is_turned_down() -> None:
    """The answer's fingerprint is all there is to know the server by (RFC 8122 5)."""

    async def scenario() -> None:
        _, client = await _shake_hands("sha-256 " + ":".join(["00"] * 32))
        await client.agreed

    with pytest.raises(HandshakeError, match="not the one that its answer announced"):
        asyncio.run(scenario())


@pytest.mark.parametrize("lost", [0, 1])
def test_a_handshake_outlives_a_lost_datagram(lost: int) -> None:
    """Every flight is sent again well within the second that OpenSSL would wait: a caller hears it ring."""

    async def scenario() -> tuple[Srtp, Srtp]:
        ends: dict[str, Dtls] = {}
        losses = iter([number == lost for number in range(2)])

        def to_server(data: bytes) -> None:
            if not next(losses, False):
                asyncio.get_running_loop().call_soon(ends["server"].receive, data)

        def to_client(data: bytes) -> None:
            asyncio.get_running_loop().call_soon(ends["client"].receive, data)

        ends["server"] = Dtls(to_client, expect=fingerprint(), active=False)
        ends["client"] = Dtls(to_server, expect=fingerprint(), active=True)
        for end in ends.values():
            end.start()
        async with asyncio.timeout(0.9):
            return await ends["server"].agreed, await ends["client"].agreed

    server, client = asyncio.run(scenario())

    assert client.inward.unprotect(server.outward.protect(PACKET)) == PACKET
