"""The share of the processor for the processes that place calls, where it is allowed to raise it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_NICE = -10


@contextlib.contextmanager
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


def favour() -> None:
    """Give this process, and all that it will fork, a larger share than ordinary ones have.

    Where the kernel groups them by session, the share is first of all the session's: it is raised as well.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        with contextlib.suppress(OSError):  # it groups none
            Path("/proc/self/autogroup").write_text(str(_NICE))
