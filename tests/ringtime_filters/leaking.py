"""Initialises a wrapped filter over and over and prints what the process then holds: FILTER MODE RESULT."""

import ctypes
import json
import os
import sys
from pathlib import Path

import ringtime_filters

WARM_UP, TIMES = 1_000, 10_000
TOKEN = "x" * 500

path, mode, result = sys.argv[1:]
os.environ["SCRIPTED_FD"] = {"ready": "", "failing": "-1"}[result]
libc = ctypes.CDLL(None)


class Mallinfo2(ctypes.Structure):
    """What glibc's mallinfo2() gives."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


def held() -> dict[str, int]:
    """Threads, descriptors, and bytes that malloc has given out."""
    while (
        len(list(Path("/proc/self/task").iterdir())) > 1
    ):  # the last initialisation's thread is on its way out
        os.sched_yield()
    libc.mallinfo2.restype = Mallinfo2
    status = Path("/proc/self/status").read_text()
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "heap_bytes": libc.mallinfo2().uordblks,
        "resident_kb": int(status.partition("VmRSS:")[2].split()[0]),
    }


wrapper = ctypes.CDLL(str(ringtime_filters.wrap(path, mode=mode)))
wrapper.audio_filter_create.restype = ctypes.c_void_p
options = ctypes.c_char_p(b'{"token": "%s"}' % TOKEN.encode())
token = ctypes.c_char_p(TOKEN.encode())
samples = (ctypes.c_int16 * 480)()


def room() -> None:
    """One room connection with one audio stream."""
    wrapper.audio_filter_on_load(options)
    wrapper.audio_filter_update_token(token, token)
    made = wrapper.audio_filter_create(48000, token, token)
    if made is not None:
        session = ctypes.c_void_p(made)
        wrapper.audio_filter_update_stream_info(session, token)
        wrapper.audio_filter_process_int16(session, ctypes.c_size_t(480), samples, samples)
        wrapper.audio_filter_destroy(session)


for _ in range(WARM_UP):
    room()
before = held()
for _ in range(TIMES):
    room()
print(json.dumps({"before": before, "after": held()}))
