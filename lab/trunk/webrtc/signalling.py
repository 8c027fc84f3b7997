"""LiveKit's signalling: one WebSocket a participant, protobuf messages both ways."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
from livekit.protocol import rtc

JOIN_WITHIN_S = 10.0
_MOST_BYTES = 1 << 22


class JoinError(Exception):
    """The room could not be joined."""


class Signalling:
    """A participant's connection to the server, from its join on."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, joined: rtc.JoinResponse) -> None:
        self.joined = joined
        self._socket = socket
        self._heard_s = time.monotonic()
        self._pinging = asyncio.create_task(self._ping())

    @classmethod
    async def join(
        cls, http: aiohttp.ClientSession, url: str, token: str, request: rtc.JoinRequest
    ) -> "Signalling":
        """Join the room that `token` opens on the server at `url` (`ws://…`).

        Raises:
            JoinError: The server refused, or could not be reached.
        """
        wrapped = rtc.WrappedJoinRequest(join_request=request.SerializeToString())
        text = base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()
        try:
            async with asyncio.timeout(JOIN_WITHIN_S):
                socket = await http.ws_connect(
                    f"{url}/rtc/v1",
                    params={"join_request": text},
                    headers={"Authorization": f"Bearer {token}"},  # not in the address, which may be logged
                    max_msg_size=_MOST_BYTES,
                )
                first = rtc.SignalResponse.FromString(await socket.receive_bytes())
        except aiohttp.WSServerHandshakeError as error:
            raise JoinError(f"the LiveKit server refused the join with status {error.status}") from error
        except (aiohttp.ClientError, OSError, TypeError) as error:
            raise JoinError(f"the LiveKit server at {url} did not let the caller join: {error}") from error
        except TimeoutError as error:
            raise JoinError(f"the LiveKit server at {url} took more than {JOIN_WITHIN_S:g} s") from error
        if not first.HasField("join"):
            await socket.close()
            raise JoinError(f"the LiveKit server answered the join with {first.WhichOneof('message')!r}")
        return cls(socket, first.join)

    async def messages(self) -> AsyncIterator[rtc.SignalResponse]:
        """What the server says, until the connection ends."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self._heard_s = time.monotonic()
                yield rtc.SignalResponse.FromString(message.data)

    async def send(self, request: rtc.SignalRequest) -> None:
        """Send a request; nothing happens once the connection is gone."""
        # Then `messages` has ended too, or is about to.
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await self._socket.send_bytes(request.SerializeToString())

    async def _ping(self) -> None:
        every_s, most_s = self.joined.ping_interval, self.joined.ping_timeout
        while every_s:
            await asyncio.sleep(every_s)
            if time.monotonic() - self._heard_s > most_s:
                await self._socket.close()
                return
            await self.send(rtc.SignalRequest(ping_req=rtc.Ping(timestamp=time.time_ns() // 1_000_000)))

    async def close(self) -> None:
        """Close the connection."""
        self._pinging.cancel()
        await self._socket.close()
