"""A load of voice packets: `python -m benchmarks.packets TARGET PACKETS_PER_S SOURCE…`, until it is ended.

Many packets go with one system call (sendmmsg), so that the load costs little beside what it loads.
"""

import ctypes
import socket
import struct
import sys
import time
from collections.abc import Sequence

PORT = 40200  # nobody reads there: what does not fit into the socket is dropped by the kernel
_PAYLOAD = b"\x80" + bytes(171)  # RTP of 20 ms of G.711
_EVERY_S = 0.0005


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):  # struct msghdr
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vectors_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):  # struct mmsghdr
    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


def send(target: str, packets_per_s: float, sources: Sequence[str]) -> None:
    """Send at that rate, one source after the other, without an end."""
    senders = []
    for source in sources:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((source, PORT))
        senders.append(sender)
    payload = ctypes.create_string_buffer(_PAYLOAD, len(_PAYLOAD))
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", PORT, socket.inet_aton(target))
    name = ctypes.create_string_buffer(address, len(address))
    vector = _Vector(ctypes.addressof(payload), len(_PAYLOAD))
    most = max(1, round(packets_per_s * _EVERY_S * 50))  # after a pause, as many as are due
    messages = (_Message * most)()
    for message in messages:
        message.header = _Header(ctypes.addressof(name), len(address), ctypes.pointer(vector), 1)
    sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
    begun_s, sent, turn = time.monotonic(), 0, 0
    while True:
        due = int((time.monotonic() - begun_s) * packets_per_s) - sent
        if due > 0:
            taken = sendmmsg(senders[turn % len(senders)].fileno(), messages, min(due, most), 0)
            sent, turn = sent + max(taken, 0), turn + 1
        time.sleep(_EVERY_S)


if __name__ == "__main__":
    send(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
