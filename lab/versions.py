"""The versions of everything a lab is made of, for the run's record."""

import re
import subprocess
from importlib import metadata

from lab.server import find_livekit_server, find_redis, livekit_server_version

_DISTRIBUTIONS = ("livekit-agents", "livekit", "livekit-api", "aiosipua", "aiortp")


def versions() -> dict[str, str | None]:
    """The version of each part by its name, None where it does not tell.

    Raises:
        ProgramMissingError: redis-server or livekit-server is not there.
    """
    found: dict[str, str | None] = {
        "livekit-server": livekit_server_version(find_livekit_server()),
        "redis": _redis_version(),
    }
    for distribution in _DISTRIBUTIONS:
        found[distribution] = metadata.version(distribution)
    return found


def _redis_version() -> str | None:
    answer = subprocess.run(
        [find_redis(), "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    version = re.search(r"v=(\S+)", answer.stdout)
    return version.group(1) if version else None
