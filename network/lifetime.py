"""Processes that end when the one that started them does, whatever ended it."""

import ctypes
import fcntl
import os
import select
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent`, the process that forked it, dies (prctl(2)).

    Raises:
        OSError: The kernel refused.
    """
    _tell_of_death(parent, signal.SIGKILL)


def end_with(parent: int) -> None:
    """Have the kernel ask this process to end, by SIGTERM, when `parent` dies (prctl(2)).

    Raises:
        OSError: The kernel refused.
    """
    _tell_of_death(parent, signal.SIGTERM)


def hang_on(lifeline: int) -> None:
    """Have the kernel kill this process once nobody can write to the pipe `lifeline` (fcntl(2), F_SETSIG).

    So it may outlive the process that forked it, and not the one that holds the pipe's other end, even where
    it is stopped or spins. Nothing may ever be written.
    """
    own = os.open(f"/proc/self/fd/{lifeline}", os.O_RDONLY)  # signals are asked for by open file
    os.close(lifeline)
    fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    hung_up = select.poll()
    hung_up.register(own, 0)
    if hung_up.poll(0):  # before the kernel was told
        os._exit(1)


def bound_to_this(enter: Callable[[], None] | None = None) -> Callable[[], None]:
    """What a child calls before its program so that the kernel ends it with its parent; for `preexec_fn`.

    `enter` is called as well, before: moving into a namespace. Start the child from the main thread, since
    the kernel looks at the thread that forked.
    """
    parent = os.getpid()

    def prepare() -> None:
        if enter is not None:
            enter()
        die_with(parent)

    return prepare


def _tell_of_death(parent: int, by: signal.Signals) -> None:
    if _LIBC.prctl(_PR_SET_PDEATHSIG, int(by)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    if os.getppid() != parent:  # it died before the kernel was told
        os._exit(1)
