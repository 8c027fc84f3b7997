"""Voice through the relay, one way, each packet with the time at which it was sent."""

import select
import socket
import struct
import time
from collections.abc import Sequence

_STAMP = struct.Struct("!d")
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h: the kernel says when it came, however late it is read
_TIMESPEC = struct.Struct("@qq")
_HEADER = b"\x80" + bytes(11)  # RTP
_PAYLOAD_BYTES = 172
_EVERY_S = 0.02
_LAST_WITHIN_S = 1.0


def delays_s(
    senders: Sequence[socket.socket], receiver: socket.socket, target: tuple[str, int], *, for_s: float
) -> tuple[int, list[float]]:
    """How many packets were sent in so long, and the delays of those that came."""
    begun_s, sent, found = time.monotonic(), 0, list[float]()
    end_s, gap_s = begun_s + for_s, _EVERY_S / len(senders)
    receiver.setblocking(False)
    receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    while (now_s := time.monotonic()) < end_s + _LAST_WITHIN_S:
        due = min(int((now_s - begun_s) / gap_s), round(for_s / gap_s))
        for number in range(sent, due):
            stamped = _HEADER + _STAMP.pack(time.time())
            senders[number % len(senders)].sendto(stamped.ljust(_PAYLOAD_BYTES, b"\xff"), target)
        sent = max(sent, due)
        if select.select([receiver], (), (), gap_s / 2)[0]:
            payload, ancillary, _, _ = receiver.recvmsg(2000, 64)
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            sent_s = _STAMP.unpack_from(payload, len(_HEADER))[0]
            found.append(seconds - sent_s + nanoseconds * 1e-9)
    return sent, found
