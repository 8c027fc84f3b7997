"""What a lab needs on this machine: what is there, what is missing, and how to get it."""

import os
import platform
import re
import sys
from collections.abc import Callable

from lab.arms import require_compiled
from lab.errors import LabError
from lab.gateway import find_livekit_sip, livekit_sip_version
from lab.process import free_port
from lab.server import find_livekit_server, find_redis, livekit_server_version
from lab.vendor import KNOWN_VERSIONS, find_uv, folder, is_fetched
from network import capability
from network.emulation import Executor

_OLDEST_KERNEL = (5, 3)  # pidfd_open(2)


def check() -> int:
    """Print one line a need; 0 when a lab can come up, 1 when something is missing."""
    missing = 0
    for name, look in _NEEDS.items():
        try:
            print(f"ok       {name}: {look()}")
        except (LabError, OSError) as error:
            missing += 1
            print(f"missing  {name}: {error}")
    print(f"optional livekit-sip: {_livekit_sip()}")
    for version in KNOWN_VERSIONS:
        print(f"optional vendor-{version}: {_vendor(version)}")
    for executor in Executor:
        lacking = capability.missing(executor)
        print(f"optional --network by the {executor}: {'; '.join(lacking) or 'works here'}")
    if missing:
        print(f"lab: {missing} of {len(_NEEDS)} needs are not met", file=sys.stderr)
    return 1 if missing else 0


def _redis() -> str:
    return str(find_redis())


def _livekit_server() -> str:
    program = find_livekit_server()
    return f"{livekit_server_version(program)} at {program}"


def _system() -> str:
    kernel = platform.release()
    if sys.platform != "linux" or tuple(map(int, re.findall(r"\d+", kernel)[:2])) < _OLDEST_KERNEL:
        raise LabError(
            f"this is {platform.system()} {kernel}; a lab needs Linux 5.3 or later to end as a whole"
        )
    return f"Linux {kernel}, {os.cpu_count()} cores"


def _livekit_sip() -> str:
    try:
        program = find_livekit_sip(None)
        if program is not None:
            return f"{livekit_sip_version(program) or 'of no known version'} at {program}"
    except LabError as error:
        return str(error)
    return (
        "not on PATH, so the embedded trunk stands in; LiveKit ships it as source and in the container image "
        "livekit/sip: put the program on PATH or name it with --livekit-sip"
    )


def _filters() -> str:
    require_compiled()
    return "compiled"


def _vendor(version: str) -> str:
    if is_fetched(version):
        return f"in {folder(version)}"
    try:
        return f"fetched by {find_uv()} when an arm asks for it"
    except LabError as error:
        return str(error)


def _loopback() -> str:
    return f"127.0.0.1 has free ports, such as {free_port()}"


_NEEDS: dict[str, Callable[[], str]] = {
    "system": _system,
    "redis-server": _redis,
    "livekit-server": _livekit_server,
    "audio filters": _filters,
    "loopback": _loopback,
}
