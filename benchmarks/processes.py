"""CPU time of a tree of processes, by the part that each process plays."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import psutil

Role = Callable[[Sequence[str]], str | None]
"""The part of a process by its command line; None for the part of its parent."""


def cpu_by_role(root: psutil.Process, role: Role, *, otherwise: str) -> Mapping[str, float]:
    """CPU-seconds, user and system, that a tree of processes has used, ended children included.

    A process that ends is counted with the part of the one that waits for it, so the parts are complete
    for as long as the processes at their tops live.
    """
    found: defaultdict[str, float] = defaultdict(float)
    roles: dict[int, str] = {}
    try:
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return found
    for process in tree:  # parents come before their children
        try:
            part = role(process.cmdline()) or roles.get(process.ppid(), otherwise)
            times = process.cpu_times()
        except psutil.Error:
            continue  # it ended just now: its parent has its time, or will have
        roles[process.pid] = part
        found[part] += times.user + times.system + times.children_user + times.children_system
    return found
