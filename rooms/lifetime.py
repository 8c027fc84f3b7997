"""When a process that serves a run should end: when it is told to, or when the one it serves is gone."""

import asyncio
import os
import signal
import sys


def ending(*, with_standard_input: bool) -> asyncio.Event:
    """An event of the running loop, set by SIGTERM or SIGINT and, if asked, by the end of standard input."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if not with_standard_input:
        return ended
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            ended.set()

    try:
        loop.add_reader(descriptor, read)
    except PermissionError:  # a file or /dev/null: nobody holds its other end
        ended.set()
    return ended
