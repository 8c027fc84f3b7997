"""Processes that end when the one that started them does, whatever ended it."""

import ctypes
import os
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
