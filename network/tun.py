"""A network device whose other end is a file: sent to it is read there, written there is received."""

import fcntl
import os
import struct
from pathlib import Path

DEVICE = Path("/dev/net/tun")
_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000  # whole IP packets, with nothing before them
LARGEST_BYTES = 65536


def open_tun(name: str) -> int:
    """Make a device of that name in the present network namespace; a descriptor that never blocks.

    The device is gone when its descriptor is closed.

    Raises:
        OSError: There is no /dev/net/tun, or no right to make a device here.
    """
    descriptor = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class DropCount:
    """Packets that devices of one network namespace had to drop because nobody read them in time.

    Made inside the namespace, it can be asked from outside: the file keeps the namespace it was opened in.
    """

    def __init__(self) -> None:
        self._statistics = os.open("/proc/self/net/dev", os.O_RDONLY)

    def read(self, device: str) -> int:
        """Packets dropped so far on their way into the device."""
        text = os.pread(self._statistics, LARGEST_BYTES, 0).decode()
        for line in text.splitlines():
            name, _, counters = line.partition(":")
            if name.strip() == device:
                return int(counters.split()[11])  # transmit: bytes, packets, errs, drop
        return 0
