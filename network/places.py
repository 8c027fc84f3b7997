"""The places of a run as they are made: namespaces, and in them the devices whose other ends are here."""

import os
import subprocess
from pathlib import Path
from typing import Any

from network import namespace, topology, tun
from network.errors import UnavailableError
from network.topology import Place

_NO_IPV6 = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")


class Places:
    """The namespaces, and the devices in them; all of it is gone with this process."""

    def __init__(self) -> None:
        self.user: int | None = None
        if not namespace.may_make_networks():
            namespace.become_root_of_own()
            self.user = namespace.own_user()
        self.networks: dict[Place, int] = {}
        self.devices: dict[tuple[Place, str], int] = {}
        self._drops: dict[Place, tun.DropCount] = {}
        for place in Place:
            self.networks[place] = namespace.new_network()
            for end, _ in topology.ends(place):
                self.devices[place, end.device] = tun.open_tun(end.device)
            self._drops[place] = tun.DropCount()
            _configure(place)

    def unread(self) -> int:
        """Packets that the devices had to drop because this process was too slow."""
        return sum(self._drops[place].read(device) for place, device in self.devices)

    def announcement(self) -> dict[str, Any]:
        """Where the namespaces can be entered."""
        here = f"/proc/{os.getpid()}/fd"
        user = None if self.user is None else f"{here}/{self.user}"
        return {place: {"network": f"{here}/{each}", "user": user} for place, each in self.networks.items()}


def _configure(place: Place) -> None:
    """Addresses and routes of the present namespace."""
    if os.access(_NO_IPV6, os.W_OK):  # it would only ask for routers
        _NO_IPV6.write_text("1")
    try:
        subprocess.run(
            ["ip", "-batch", "-"],  # noqa: S607 - where it is differs between distributions
            input=topology.configuration(place),
            check=True,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise UnavailableError("the wire needs the program ip: install iproute2") from None
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().replace("\n", "; ")
        raise UnavailableError(f"ip refused the addresses and routes of {place}: {words}") from None
