"""Network namespaces without names: the processes that hold them keep them, and they go with the last one."""

import contextlib
import ctypes
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWUSER = 0x10000000  # linux/sched.h
_CLONE_NEWNET = 0x40000000
_CAP_SYS_ADMIN = 21  # linux/capability.h
_LIBC = ctypes.CDLL(None, use_errno=True)
_NETWORK = Path("/proc/self/ns/net")
_USER = Path("/proc/self/ns/user")


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where a namespace can be entered: paths of the open descriptors of the process that holds it.

    `user` is None where that process did not need a user namespace of its own, being root.
    """

    network: str
    user: str | None = None

    def entering(self) -> Callable[[], None]:
        """What a child process calls before its program to be inside; for `preexec_fn`.

        The paths are opened in the parent, while they surely are what they were.

        Raises:
            OSError: The process that held the namespace is gone.
        """
        network = _Descriptor(self.network)
        user = _Descriptor(self.user) if self.user is not None else None

        def enter() -> None:
            if user is not None and not user.is_same_as(_Descriptor(_USER)):
                _enter(user.number, _CLONE_NEWUSER)  # gives the right to enter the other
            _enter(network.number, _CLONE_NEWNET)

        return enter

    def enter(self) -> None:
        """Move this process, of one thread, inside; sockets that it has stay where they were made."""
        self.entering()()

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Be inside for as long as the block runs; its sockets stay there.

        A user namespace, where one is entered for this, is never left again.
        """
        outside = _Descriptor(_NETWORK)
        self.enter()
        try:
            yield
        finally:
            _enter(outside.number, _CLONE_NEWNET)


def may_make_networks() -> bool:
    """Whether this process has CAP_SYS_ADMIN; without it only a user namespace of its own helps."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_ADMIN & 1)
    return False


def become_root_of_own() -> None:
    """Move into a new user namespace and be its root; needs no privilege where the kernel allows it.

    Raises:
        OSError: The kernel or its settings do not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    _unshare(_CLONE_NEWUSER)
    with contextlib.suppress(FileNotFoundError):  # kernels that do not ask for it
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def new_network() -> int:
    """Move this process, of one thread, into a new and empty network; a descriptor that keeps it.

    Raises:
        PermissionError: The process is not root of its user namespace.
    """
    _unshare(_CLONE_NEWNET)
    return os.open(_NETWORK, os.O_RDONLY)


def own_user() -> int:
    """A descriptor of this process's user namespace."""
    return os.open(_USER, os.O_RDONLY)


class _Descriptor:
    """An open file that is closed when nobody needs it any more."""

    def __init__(self, path: str | Path) -> None:
        self.number = os.open(path, os.O_RDONLY)

    def is_same_as(self, other: "_Descriptor") -> bool:
        return os.path.sameopenfile(self.number, other.number)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # it could not be opened
            os.close(self.number)


def _unshare(kind: int) -> None:
    if _LIBC.unshare(kind) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} (unshare)")


def _enter(descriptor: int, kind: int) -> None:
    if _LIBC.setns(descriptor, kind) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} (setns)")
