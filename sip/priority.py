"""Precedence on the processor for the processes that stamp times and keep them due, where it is allowed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raised_priority() -> Iterator[None]:
    """Run the block before all ordinary processes (sched(7), SCHED_RR); without that right it runs as it is.

    A nice value would count only among the processes of one session where the kernel groups them by session
    (autogroup), and tester and lab are in different ones. Threads that are started meanwhile inherit the
    precedence, as the one that plays and reads the audio of a worker's calls must.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
