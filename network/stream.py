"""TCP through the relay: what is read from one connection is written to the other when it is due."""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

CHUNK_BYTES = 1448  # what a packet of 1500 bytes carries
_MOST_WAITING_BYTES = 1 << 20  # one way; then its sender has to wait


@dataclass(slots=True, eq=False)
class Stream:
    """One direction of a connection; an empty chunk is its end.

    `release` is given each chunk, and what is to be called when that is due.
    """

    source: socket.socket
    sink: socket.socket
    release: Callable[[bytes, Callable[[], object]], None]
    _on_its_way_bytes: int = 0
    _unsent: bytearray = field(default_factory=bytearray)
    _all_read: bool = False
    _ending: bool = False
    over: bool = False

    @property
    def wants_to_read(self) -> bool:
        """Whether there is room for more."""
        return not self.over and not self._all_read and self._on_its_way_bytes < _MOST_WAITING_BYTES

    @property
    def wants_to_write(self) -> bool:
        """Whether something is due that the other side has not taken yet."""
        return bool(self._unsent) and not self.over

    def read(self) -> None:
        """Take what has come, chunk by chunk, to be sent when it is due."""
        while self.wants_to_read:
            try:
                chunk = self.source.recv(CHUNK_BYTES)
            except BlockingIOError:
                return
            except OSError:  # reset: as good as ended
                chunk = b""
            self._all_read = not chunk
            self._on_its_way_bytes += len(chunk)
            self.release(chunk, partial(self.write, chunk))

    def write(self, chunk: bytes) -> None:
        """Send what is due now, as far as the other side takes it."""
        self._ending = not chunk
        self._unsent += chunk
        self.flush()

    def flush(self) -> None:
        """Send what could not be sent before."""
        try:
            while self._unsent:
                sent = self.sink.send(self._unsent)
                del self._unsent[:sent]
                self._on_its_way_bytes -= sent
        except BlockingIOError:
            return
        except OSError:
            self.over = True
        if self._ending and not self._unsent and not self.over:
            self.over = True
            with suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)
