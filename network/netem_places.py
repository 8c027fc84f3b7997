"""The places of a run with links of the kernel's own between them: pairs of veth devices."""

import fcntl
import socket
import struct
import subprocess
from array import array
from collections.abc import Iterable, Mapping

from network import topology
from network.errors import UnavailableError
from network.places import Namespaces, configure
from network.profile import Leg
from network.topology import Place
from network.tun import DropCount

_SIOCETHTOOL = 0x8946  # linux/sockios.h
_OFFLOADS = {  # linux/ethtool.h
    "TCP segmentation": 0x1F,
    "generic segmentation": 0x24,
    "generic receive": 0x2C,
}
# Both ends of a link have the same address, and nobody is asked for one: what is sent to oneself goes there.
_HARDWARE = "02:00:5e:12:00:01"


class LinkedPlaces(Namespaces):
    """The namespaces and their links, the devices down: `queues` of them each to send through, by leg.

    Raises:
        UnavailableError: The program `ip` is not there, or the kernel makes no such link.
    """

    def __init__(self, queues: Mapping[Leg, int]) -> None:
        super().__init__()
        self._drops: dict[Place, DropCount] = {}
        for path in topology.PATHS:
            self.enter(path.far.place)
            size = f"address {_HARDWARE} txqueuelen 1 numtxqueues {queues[path.leg]} numrxqueues 1"
            near = f"/proc/self/fd/{self.networks[path.near.place]}"
            run(
                ["ip", "-batch", "-"],
                f"link add {path.far.device} {size} type veth "
                f"peer name {path.near.device} {size} netns {near}\n",
                keep=[self.networks[path.near.place]],
            )

    def up(self) -> None:
        """Set the links up, with their addresses and routes."""
        for place in Place:
            self.enter(place)
            for end, _ in topology.ends(place):
                _segment_nothing(end.device)
            self._drops[place] = DropCount()
            configure(place, "".join(f"link set {end.device} arp off\n" for end, _ in topology.ends(place)))

    def unread(self) -> int:
        """Packets lost between the two ends of a link because the kernel could not take them in."""
        return sum(self._drops[place].read(end.device) for place in Place for end, _ in topology.ends(place))


def run(
    command: list[str],
    text: str = "",
    *,
    keep: Iterable[int] = (),
    environment: Mapping[str, str] | None = None,
) -> str:
    """Give a program of iproute2 its commands, in the present namespace; what it prints.

    Raises:
        UnavailableError: It is not there, or refused; with the first that it said.
    """
    try:
        return subprocess.run(
            command,
            input=text,
            check=True,
            capture_output=True,
            text=True,
            pass_fds=tuple(keep),
            env=environment,
        ).stdout
    except FileNotFoundError:
        raise UnavailableError(f"there is no program {command[0]}: install iproute2") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or ["it said nothing"]
        raise UnavailableError(
            f"{command[0]} refused: {said[0].removeprefix('Error: ').rstrip('.')}; netem here takes a kernel "
            f"with veth, sch_netem, sch_ingress, cls_flower, cls_matchall and act_skbedit"
        ) from None


def _segment_nothing(device: str) -> None:
    """Have a device's packets made and taken one by one, as netem loses and delays them (ethtool)."""
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        for name, number in _OFFLOADS.items():
            value = array("I", [number, 0])
            address, _ = value.buffer_info()
            try:
                fcntl.ioctl(asking, _SIOCETHTOOL, struct.pack("16sP16x", device.encode(), address))
            except OSError as error:
                raise UnavailableError(f"{name} of a link cannot be switched off: {error.strerror}") from None
