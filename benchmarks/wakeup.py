"""How late a process is that does nothing but wait for packets: no tester on this machine can be better."""

import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence

from sip.priority import raised_priority

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h: the kernel says when it came, however late it is read
_TIMESPEC = struct.Struct("@qq")
_SENDER = """
import random, socket, sys, time
port, per_s = int(sys.argv[1]), float(sys.argv[2])
with socket.socket(type=socket.SOCK_DGRAM) as sender:
    while True:
        time.sleep(random.expovariate(per_s))
        sender.sendto(b"now", ("127.0.0.1", port))
"""


def lateness_ms(packets: int, packets_per_s: float) -> Sequence[float]:
    """From the kernel's time of each packet to that of the process, which has a tester's precedence."""
    late = []
    with socket.socket(type=socket.SOCK_DGRAM) as taker, raised_priority():
        taker.bind(("127.0.0.1", 0))
        taker.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sender = subprocess.Popen(
            [sys.executable, "-c", _SENDER, str(taker.getsockname()[1]), repr(packets_per_s)]
        )
        try:
            for _ in range(packets):
                select.select([taker], (), ())
                _, ancillary, _, _ = taker.recvmsg(64, 64)
                now_ns = time.time_ns()
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
                late.append((now_ns - seconds * 1_000_000_000 - nanoseconds) / 1e6)
        finally:
            sender.kill()
            sender.wait()
    return late
