"""The places of a run as they are made: namespaces, and in them the devices whose other ends are here."""

import os
import subprocess
from pathlib import Path
from typing import Any

from network import namespace, topology, tun
from network.errors import UnavailableError
from network.topology import Place

_NO_IPV6 = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")


class Namespaces:
    """A namespace for each place, empty; this process moves through them, and they are gone with it."""

    def __init__(self) -> None:
        self.user: int | None = None
        if not namespace.may_make_networks():
            namespace.become_root_of_own()
            self.user = namespace.own_user()
        self.networks = {place: namespace.new_network() for place in Place}

    def enter(self, place: Place) -> None:
        """Move this process into a place."""
        namespace.Namespace(f"/proc/self/fd/{self.networks[place]}").enter()

    def announcement(self) -> dict[str, Any]:
        """Where the namespaces can be entered."""
        here = f"/proc/{os.getpid()}/fd"
        user = None if self.user is None else f"{here}/{self.user}"
        return {place: {"network": f"{here}/{each}", "user": user} for place, each in self.networks.items()}


class Places(Namespaces):
    """The namespaces, and in them the devices whose other ends are here."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: dict[tuple[Place, str], int] = {}
        self._drops: dict[Place, tun.DropCount] = {}
        for place in Place:
            self.enter(place)
            for end, _ in topology.ends(place):
                self.devices[place, end.device] = tun.open_tun(end.device)
            self._drops[place] = tun.DropCount()
            configure(place)

    def unread(self) -> int:
        """Packets that the devices had to drop because this process was too slow."""
        return sum(self._drops[place].read(device) for place, device in self.devices)


def configure(place: Place, before: str = "") -> None:
    """Devices up, addresses and routes of the present namespace; `before` is what `ip` is told first.

    Raises:
        UnavailableError: There is no program ip, or it refused.
    """
    if os.access(_NO_IPV6, os.W_OK):  # it would only ask for routers
        _NO_IPV6.write_text("1")
    try:
        subprocess.run(
            ["ip", "-batch", "-"],  # noqa: S607 - where it is differs between distributions
            input=before + topology.configuration(place),
            check=True,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise UnavailableError("there is no program ip: install iproute2") from None
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().replace("\n", "; ")
        raise UnavailableError(f"ip refused the addresses and routes of {place}: {words}") from None
