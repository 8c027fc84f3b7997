"""What this machine lets the tester have: file descriptors and ports, looked at before the first call."""

import resource
from pathlib import Path

from sip.errors import UsageError
from sip.hunt_group import SPARE_SHARE
from sip.media import Media

CALLS_A_WORKER = 4  # what the SIP library takes in one process; each worker is one descriptor here
OTHER_DESCRIPTORS = 200  # Locust's own, files, the processes beside
PUMP_A_CALL = 2 * (1 + SPARE_SHARE)  # its RTP and RTCP, and those of spare lines
PORTS_A_CALL = 2.5  # RTP and RTCP, and a share of its worker's SIP port
_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def make_room(at_once: int, media: Media) -> None:
    """Raise the soft limit of descriptors as far as so many calls at once need it; the pump raises its own.

    Raises:
        UsageError: This machine does not allow as many; what it allows is said.
    """
    needed = at_once // CALLS_A_WORKER + OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        most = (hard - OTHER_DESCRIPTORS) * CALLS_A_WORKER
        if media is Media.PUMP:
            most = min(most, int((hard - OTHER_DESCRIPTORS) / PUMP_A_CALL))
        if at_once > most:
            raise _too_many(at_once, f"{hard} file descriptors (ulimit -Hn) do for {max(most, 0)}")
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    first, last = (int(each) for each in _PORT_RANGE.read_text().split())
    most = int((last - first + 1) / PORTS_A_CALL)
    if at_once > most:
        raise _too_many(at_once, f"ports {first} to {last} (ip_local_port_range) do for {most}")


def _too_many(at_once: int, why: str) -> UsageError:
    return UsageError(
        "--max-concurrent",
        at_once,
        f"so many calls may be up at once, and this machine's {why}: raise that, name fewer with "
        "--max-concurrent, or lower the rate",
    )
