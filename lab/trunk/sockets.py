"""SIP on one port of an address, over UDP and TCP."""

import asyncio
import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiosipua import SipRequest, SipResponse
from aiosipua.transport import SipTransport, TcpSipTransport

from lab.trunk.messages import next_hop

HOST = "127.0.0.1"  # where LiveKit is

_log = logging.getLogger(__name__)
_PORTS_TRIED = 50


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a SIP exchange: where a message came from and by which transport."""

    transport: SipTransport
    address: tuple[str, int]

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats lost messages by itself."""
        return self.transport.reliable

    @property
    def protocol(self) -> str:
        """`udp` or `tcp`."""
        return "tcp" if self.reliable else "udp"

    def reply(self, response: SipResponse) -> None:
        """Send a response the way RFC 3261 18.2.2 says: on the connection, or by the top Via."""
        try:
            if self.reliable:
                self.transport.send(response, self.address)
            else:
                self.transport.send_reply(response)
        except (RuntimeError, ValueError, OSError) as error:  # the peer has hung up, or its Via leads nowhere
            _log.info("a response was not sent: %s", error)

    def send(self, request: SipRequest) -> None:
        """Send a request on this peer's connection, or to where the request itself leads."""
        there = None if self.reliable else next_hop(request)
        try:
            self.transport.send(request, there or self.address)
        except (RuntimeError, OSError) as error:
            _log.info("a request was not sent: %s", error)


class UdpSipTransport(SipTransport):
    """SIP over UDP.

    aiosipua's own asserts a type that Python 3.11's datagram transport does not have, and does not tell
    which port it got.
    """

    def __init__(self, local_addr: tuple[str, int]) -> None:
        super().__init__(local_addr=local_addr)
        self._socket: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Bind the address, and learn the port if it was 0."""
        loop = asyncio.get_running_loop()
        endpoint, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._dispatch), local_addr=self.local_addr
        )
        self._socket = endpoint
        self.local_addr = endpoint.get_extra_info("sockname")[:2]

    def send(self, message: SipRequest | SipResponse, addr: tuple[str, int]) -> None:
        """Send a message in one datagram."""
        if self._socket is None:
            raise RuntimeError("the SIP port is closed")
        self._socket.sendto(bytes(message), addr)

    async def stop(self) -> None:
        """Close the port."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if b"\r\n" in data:  # RFC 3261 7; the parser would take lines that end in LF alone
            self._receive(data, addr)


class SipSockets:
    """UDP and TCP on the same port; `receive` gets every message that parses, with its sender."""

    def __init__(
        self, host: str, port: int, receive: Callable[[SipRequest | SipResponse, Peer], None]
    ) -> None:
        """Take `port` of `host`, or with 0 any that is free for both."""
        self._host = host
        self._wanted = port
        self._receive = receive
        self._transports: list[SipTransport] = []

    @property
    def port(self) -> int:
        """The port, known once open."""
        return self._transports[0].local_addr[1]

    async def open(self) -> None:
        """Bind both sockets.

        Raises:
            OSError: The port is taken.
        """
        # A message that does not parse gets no answer; who sends such things is no news to the trunk's owner.
        logging.getLogger("aiosipua").setLevel(logging.ERROR)
        for _ in range(_PORTS_TRIED):
            udp = UdpSipTransport((self._host, self._wanted))
            await self._start(udp)
            tcp = TcpSipTransport(local_addr=udp.local_addr)
            try:
                await self._start(tcp)
            except OSError as error:
                await self.close()
                if self._wanted or error.errno != errno.EADDRINUSE:
                    raise
                continue
            return
        raise OSError(errno.EADDRINUSE, f"none of {_PORTS_TRIED} ports was free for both UDP and TCP")

    async def _start(self, transport: SipTransport) -> None:
        transport.on_message = lambda message, address: self._receive(message, Peer(transport, address))
        await transport.start()
        self._transports.append(transport)

    async def close(self) -> None:
        """Close both sockets and every connection."""
        for transport in self._transports:
            await transport.stop()
        self._transports.clear()
