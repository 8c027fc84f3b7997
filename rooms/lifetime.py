"""When a process that serves a run should end: when it is told to, or when the one it serves is gone."""

import asyncio
import os
import signal
import sys


def ending(*, with_standard_input: bool, told: asyncio.Queue[str] | None = None) -> asyncio.Event:
    """An event of the running loop, set by SIGTERM or SIGINT and, if asked, by the end of standard input.

    The lines that come there before go to `told`.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if not with_standard_input:
        return ended
    descriptor = sys.stdin.fileno()

    unread = b""

    def read() -> None:
        nonlocal unread
        chunk = os.read(descriptor, 4096)
        if not chunk:
            loop.remove_reader(descriptor)
            ended.set()
        *lines, unread = (unread + chunk).split(b"\n")
        if told is not None:
            for line in lines:
                told.put_nowait(line.decode())

    try:
        loop.add_reader(descriptor, read)
    except PermissionError:  # a file or /dev/null: nobody holds its other end
        ended.set()
    return ended
