"""The network path to the LiveKit server (ICE, RFC 8445), from one address of this machine."""

import asyncio
import contextlib
import secrets
import socket
import string
from collections.abc import Callable

from aioice import stun

from lab.trunk.sockets import HOST

PRIORITY = (126 << 24) | (65535 << 8) | 255
"""Of the one candidate there is: a host's, the most preferred (RFC 8445 5.1.2.1)."""
CHECK_REPEATS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Pauses before a connectivity check is sent again."""
CONSENT_EVERY_S = 5.0
CONSENT_EXPIRES_S = 30.0
"""How long the server may leave checks unanswered before the path counts as lost (RFC 7675 5.1)."""

_MOST_BYTES = 2048
_CHARACTERS = string.ascii_letters + string.digits
_Address = tuple[str, int]


class IcePath:
    """A UDP socket that finds its way to the server, then carries datagrams both ways.

    Until `settle` a datagram is taken as it arrives, from then on when `beat` is called.

    The offering side controls the checks (RFC 8445 6.1.1), and here that is always this one.
    """

    def __init__(self, on_datagram: Callable[[bytes], None]) -> None:
        """Give what is not STUN to `on_datagram` (RFC 7983)."""
        loop = asyncio.get_running_loop()
        self.user = _random(8)
        self.password = _random(24)
        self.port = 0
        self.found: asyncio.Future[None] = loop.create_future()
        """Done when a candidate of the server has answered."""
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done when the server no longer answers."""
        self._on_datagram = on_datagram
        self._socket: socket.socket | None = None
        self._their_user = ""
        self._their_password = b""
        self._tie_breaker = secrets.randbits(64)
        self._checks: dict[bytes, _Address] = {}
        self._chosen: _Address | None = None
        self._consented_s = 0.0
        self._tasks: dict[_Address, asyncio.Task[None]] = {}

    def open(self) -> None:
        """Take any free port."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((HOST, 0))
        self.port = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self.beat)

    def settle(self) -> None:
        """No longer take datagrams as they arrive."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)

    def beat(self) -> None:
        """Take what has arrived."""
        while self._socket is not None:
            try:
                data, address = self._socket.recvfrom(_MOST_BYTES)
            except OSError:  # no more, or what ICMP reports: consent expires soon enough
                return
            if data:
                self._receive(data, address)

    def trust(self, user: str, password: str) -> None:
        """Know the server by these, which its answer gave."""
        self._their_user, self._their_password = user, password.encode()

    def try_candidate(self, address: str, port: int) -> None:
        """Check whether the server can be reached there; the first that answers is used."""
        there = (address, port)
        if self._chosen is None and self._socket is not None and there not in self._tasks:
            self._tasks[there] = asyncio.create_task(self._check(there))

    async def _check(self, there: _Address) -> None:
        for pause_s in CHECK_REPEATS_S:
            self._ask(there)
            await asyncio.sleep(pause_s)
            if self._chosen is not None:
                break
        loop = asyncio.get_running_loop()
        while self._chosen == there:
            await asyncio.sleep(CONSENT_EVERY_S)
            if loop.time() - self._consented_s > CONSENT_EXPIRES_S:
                self.lost.set_result(None)
                return
            self._ask(there)

    def _ask(self, there: _Address) -> None:
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes |= {
            "USERNAME": f"{self._their_user}:{self.user}",
            "PRIORITY": PRIORITY,
            "ICE-CONTROLLING": self._tie_breaker,
            "USE-CANDIDATE": None,
        }
        request.add_message_integrity(self._their_password)
        self._checks[request.transaction_id] = there
        self._send(bytes(request), there)

    def send(self, data: bytes) -> None:
        """Send a datagram to the server; before the path is found it is dropped."""
        if self._chosen is not None:
            self._send(data, self._chosen)

    def _send(self, data: bytes, there: _Address) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(data, there)

    def _receive(self, data: bytes, there: _Address) -> None:
        if data[0] > 3:
            self._on_datagram(data)
            return
        with contextlib.suppress(ValueError):
            message = stun.parse_message(data)
            if message.message_class is stun.Class.REQUEST:
                self._answer(message, there)
            else:
                self._on_answer(message)

    def _on_answer(self, message: stun.Message) -> None:
        there = self._checks.pop(message.transaction_id, None)
        if there is None or message.message_class is not stun.Class.RESPONSE:
            return
        if not message.check_message_integrity(self._their_password):
            return
        self._consented_s = asyncio.get_running_loop().time()
        self._checks.clear()  # of those still open none is needed any more
        if self._chosen is None:
            self._chosen = there
            self.found.set_result(None)

    def _answer(self, request: stun.Message, addr: _Address) -> None:
        # A server that does not confine itself to ICE lite checks the path from its side too.
        if not request.check_message_integrity(self.password.encode()):
            return
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = addr
        answer.add_message_integrity(self.password.encode())
        self._send(bytes(answer), addr)

    def close(self) -> None:
        """Let the path go."""
        for task in self._tasks.values():
            task.cancel()
        if self._socket is not None:
            self.settle()
            self._socket.close()
            self._socket = None
        self.found.cancel()
        self.lost.cancel()


def _random(length: int) -> str:
    return "".join(secrets.choice(_CHARACTERS) for _ in range(length))
