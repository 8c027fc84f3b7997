"""Where one SIP message ends and the next begins in a stream (RFC 3261 section 18.3)."""

import re
from collections.abc import Iterator

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,9})[ \t]*(?=\r\n|\Z)", re.IGNORECASE)
_MOST_BYTES = 65_535  # what a datagram could hold


class FramingError(Exception):
    """Nobody can say where the next message begins: the connection is of no more use."""


class MessageStream:
    """What has come on a connection and is no whole message yet."""

    def __init__(self) -> None:
        self._unread = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The messages that `chunk` completes.

        Raises:
            FramingError: A message has no Content-Length, or more than 65,535 bytes.
        """
        self._unread += chunk
        while True:
            self._unread = self._unread.lstrip(b"\r\n")  # keep-alives, RFC 5626 section 3.5.1
            head = self._unread.find(_END_OF_HEAD)
            if head < 0:
                if len(self._unread) > _MOST_BYTES:
                    raise FramingError(f"no end of its headers within {_MOST_BYTES} bytes")
                return
            length = _LENGTH.search(self._unread, 0, head)
            if length is None:
                raise FramingError("no Content-Length")
            end = head + len(_END_OF_HEAD) + int(length[1])
            if end > _MOST_BYTES:
                raise FramingError(f"more than {_MOST_BYTES} bytes")
            if len(self._unread) < end:
                return
            message, self._unread = self._unread[:end], self._unread[end:]
            yield message
