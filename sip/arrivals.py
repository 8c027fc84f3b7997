"""When the kernel took in what came: a time that no process has to be awake for.

A process that reads the clock once it has been woken by a packet is late by as much as it waited for the
processor, and would have to precede everything else on the machine to be seldom late, the far end included
where that is on the same one.
"""

import fcntl
import os
import socket
import struct
import time
from pathlib import Path

_SIOCGSTAMPNS = 0x8907  # asm-generic/sockios.h: the CLOCK_REALTIME of the last datagram that was read
_TIMESPEC = struct.Struct("qq")
_AT_ONCE_S = 20e-6  # both clocks are read within that, or again
_LATEST_S = 10.0  # beyond, the system's clock was set meanwhile


class Arrivals:
    """The times of the datagrams that a UDP socket of this process is read of, by whomever."""

    def __init__(self, host: str, port: int) -> None:
        """Find the socket that is bound there; raises LookupError where there is none."""
        self._descriptor = _bound_to(host, port)
        self.last_s()  # a moment after the first question the kernel begins to take times

    def last_s(self) -> float:
        """When the datagram that was read last came (CLOCK_MONOTONIC, seconds)."""
        try:
            seconds, nanoseconds = _TIMESPEC.unpack(
                fcntl.ioctl(self._descriptor, _SIOCGSTAMPNS, bytes(_TIMESPEC.size))
            )
        except OSError:  # none came, or the kernel takes no times
            return time.monotonic()
        while True:
            before_s = time.monotonic()
            unix_ns = time.time_ns()
            now_s = time.monotonic()
            if now_s - before_s < _AT_ONCE_S:
                break
        ago_s = (unix_ns - seconds * 1_000_000_000 - nanoseconds) / 1e9
        return now_s - ago_s if 0.0 <= ago_s < _LATEST_S else now_s


def _bound_to(host: str, port: int) -> int:
    for entry in Path("/proc/self/fd").iterdir():
        descriptor = int(entry.name)
        try:
            with socket.socket(fileno=os.dup(descriptor)) as found:
                if found.type == socket.SOCK_DGRAM and found.getsockname() == (host, port):
                    return descriptor
        except OSError:  # no socket, or gone
            continue
    raise LookupError(f"no socket of this process is bound to {host}:{port}")
