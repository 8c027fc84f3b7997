"""A far end that takes a call and talks in SRTP or in the clear, on sockets and a thread of its own."""

import base64
import enum
import os
import re
import select
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self

from pylibsrtp import Error, Policy, Session

from sip import message
from sip.trunk import Trunk

_SUITE = "AES_CM_128_HMAC_SHA1_80"
_TONE = (b"\x10" * 8 + b"\x90" * 8) * 10  # 20 ms of mu-law
_FRAME_S = 0.02


class Answer(enum.Enum):
    """What the offer of a call is answered with: protocol, and whether with a key."""

    ENCRYPTED = ("RTP/SAVP", True)
    ENCRYPTED_BY_CHANCE = ("RTP/AVP", True)  # where encryption was offered as an option
    PLAIN = ("RTP/AVP", False)


class EncryptedPeer:
    """It answers one call after the other; `heard` has what was decrypted, or was never encrypted."""

    def __init__(self, answer: Answer, *, event_type: int | None = None) -> None:
        self._protocol, self._encrypts = answer.value
        self._event_type = event_type  # the payload type of the telephone events that it takes
        self.offers: list[str] = []
        self.heard: list[bytes] = []
        self.unreadable = 0
        self._sip, self._rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._sip.bind(("127.0.0.1", 0))
        self._rtp.bind(("127.0.0.1", 0))
        self._end, self._ends = socket.socketpair()
        self._in: Session | None = None
        self._out: Session | None = None
        self._to: tuple[str, int] | None = None
        self._sequence = 0
        self._thread = threading.Thread(target=self._serve)

    @property
    def trunk(self) -> Trunk:
        """Where it is called."""
        return Trunk("127.0.0.1", self._sip.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()
        self._thread.join()
        for opened in (self._sip, self._rtp, self._end):
            opened.close()

    def _serve(self) -> None:
        next_s = time.monotonic()
        while True:
            wait_s = max(0.0, next_s - time.monotonic())
            ready, _, _ = select.select([self._sip, self._rtp, self._end], [], [], wait_s)
            if self._end in ready:
                return
            if self._rtp in ready:
                self._hear(self._rtp.recv(2048))
            if self._sip in ready:
                self._signalled(*self._sip.recvfrom(65536))
            if time.monotonic() >= next_s:
                next_s += _FRAME_S
                self._talk()

    def _signalled(self, packet: bytes, caller: tuple[str, int]) -> None:
        request = message.read(packet, *caller)
        if not isinstance(request, message.Request) or request.method == "ACK":
            return
        body, headers = b"", f"Contact: <sip:127.0.0.1:{self._sip.getsockname()[1]}>\r\n"
        if request.method == "INVITE":
            body = self._answered(request.body.decode())
            headers += "Content-Type: application/sdp\r\n"
        elif request.method == "BYE":
            self._to = None
        said = message.response(request, 200, "OK", tag="peer", headers=headers, body=body)
        self._sip.sendto(said, caller)

    def _answered(self, offer: str) -> bytes:
        self.offers.append(offer)
        key = os.urandom(30)
        lines = [
            *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"),
            f"m=audio {self._rtp.getsockname()[1]} {self._protocol} 0",
            "a=rtpmap:0 PCMU/8000",
        ]
        if self._event_type is not None:
            lines[-2] += f" {self._event_type}"
            lines.append(f"a=rtpmap:{self._event_type} telephone-event/8000")
        if self._encrypts:
            found = re.search(rf"a=crypto:(\d+) {_SUITE} inline:([^\s|]+)", offer)
            assert found is not None, offer
            lines.append(f"a=crypto:{found[1]} {_SUITE} inline:{base64.b64encode(key).decode()}")
            theirs = base64.b64decode(found[2])
            profile = Policy.SRTP_PROFILE_AES128_CM_SHA1_80
            self._in = Session(Policy(theirs, Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
            self._out = Session(Policy(key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        port = re.search(r"^m=audio (\d+)", offer, re.MULTILINE)
        assert port is not None, offer
        self._to = ("127.0.0.1", int(port[1]))
        return ("\r\n".join(lines) + "\r\n").encode()

    def _hear(self, packet: bytes) -> None:
        try:
            self.heard.append(self._in.unprotect(packet) if self._in else packet)
        except Error:
            self.unreadable += 1

    def _talk(self) -> None:
        if self._to is None:
            return
        self._sequence += 1
        packet = struct.pack("!BBHII", 0x80, 0, self._sequence, 160 * self._sequence, 1) + _TONE
        self._rtp.sendto(self._out.protect(packet) if self._out else packet, self._to)
