"""What a lab needs on this machine: what is there, what is missing, and how to get it."""

import sys
from collections.abc import Callable

from lab.arms import require_compiled
from lab.errors import LabError
from lab.gateway import find_livekit_sip, livekit_sip_version
from lab.process import free_port
from lab.server import find_livekit_server, find_redis, livekit_server_version
from lab.vendor import KNOWN_VERSIONS, find_uv, folder, is_fetched


def check() -> int:
    """Print one line a need; 0 when a lab can come up, 1 when something is missing."""
    missing = 0
    for name, look in _NEEDS.items():
        try:
            print(f"ok       {name}: {look()}")
        except (LabError, OSError) as error:
            missing += 1
            print(f"missing  {name}: {error}")
    for version in KNOWN_VERSIONS:
        print(f"optional vendor-{version}: {_vendor(version)}")
    if missing:
        print(f"lab: {missing} of {len(_NEEDS)} needs are not met", file=sys.stderr)
    return 1 if missing else 0


def _redis() -> str:
    return str(find_redis())


def _livekit_server() -> str:
    program = find_livekit_server()
    return f"{livekit_server_version(program)} at {program}"


def _trunk() -> str:
    program = find_livekit_sip(None)
    if program is None:
        return "embedded (no livekit-sip is on PATH; LiveKit ships it as a container image and as source)"
    return f"livekit-sip {livekit_sip_version(program) or 'of no known version'} at {program}"


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
    "redis-server": _redis,
    "livekit-server": _livekit_server,
    "trunk": _trunk,
    "audio filters": _filters,
    "loopback": _loopback,
}
