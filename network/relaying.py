"""The relay as a program, `python -m network.relaying`, and as a child process for a block.

The first line of its standard input says what to relay. Until it reads `begin` its leg is clean; it serves
until its standard input ends.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from network import language, serving, spec
from network.companion import Companion
from network.dose import Journal, LegDose
from network.emulation import Executor
from network.errors import NetworkError
from network.leg import Links
from network.profile import Leg, Profile
from network.relay import Host, Relay, check

_STDIN = 0


class Relaying:
    """A relay between near hosts and a far one for as long as a block runs, clean until `begin`.

    `profiles` are those of the leg; `out` is the file that the dose is written to.

    Raises:
        CannotExpressError: A profile is not for a relay.
        UnavailableError: An alias is taken.
        WireError: The relay did not come up.
    """

    def __init__(
        self,
        profiles: Sequence[Profile],
        *,
        near: Sequence[Host],
        far: Host,
        seed: int,
        leg: Leg = Leg.CALLER,
        out: Path | None = None,
    ) -> None:
        for profile in profiles:
            check(profile, tcp=bool(far.tcp or any(host.tcp for host in near)))
        self._request = json.dumps(
            {
                "profiles": [profile.origin for profile in profiles],
                "leg": leg,
                "near": [asdict(host) for host in near],
                "far": asdict(far),
                "seed": seed,
                "out": str(out.resolve()) if out is not None else None,
            }
        )

    def begin(self) -> float:
        """Put the profiles on the leg; the moment, on the monotonic clock."""
        self._companion.tell("begin")
        return float(self._companion.said("began_s")["began_s"])

    @property
    def exit_code(self) -> int | None:
        """None while it relays."""
        return self._companion.exit_code

    def __enter__(self) -> Self:
        self._companion = Companion("network.relaying")
        self._companion.tell(self._request)  # it may be longer than an argument
        ready = self._companion.ready()
        self.priority = str(ready["priority"])
        self.pid = self._companion.pid
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._companion.end()


def serve(request: dict[str, Any]) -> None:
    """Relay until standard input ends.

    Raises:
        UnavailableError: An alias is taken.
    """
    profiles = [language.load(each) for each in request["profiles"]]
    near, far = [_host(each) for each in request["near"]], _host(request["far"])
    numbers = {IPv4Address(host.address).packed: host.profile for host in near}

    def dose(under: Sequence[Profile]) -> LegDose:
        return LegDose(
            Leg(request["leg"]), Links(under, lambda near: numbers.get(near, -1), seed=request["seed"])
        )

    clean = dose([language.load(spec.CLEAN)] * len(profiles))
    _allow_sockets()
    serving.serve(
        Relay(near, far, clean, start_s=time.monotonic()),
        Executor.RELAY,
        lambda: [dose(profiles)],
        announcement={},
        journal=Journal(Path(request["out"])) if request["out"] else None,
    )


def _host(keys: dict[str, Any]) -> Host:
    return Host(**keys | {"udp": tuple(keys["udp"]), "tcp": tuple(keys["tcp"])})


def _allow_sockets() -> None:
    """Let this process have as many open files as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _request() -> dict[str, Any]:
    """The first line of standard input; what follows is left there."""
    line = b""
    while not line.endswith(b"\n") and (more := os.read(_STDIN, 1 << 16)):
        line += more
    request: dict[str, Any] = json.loads(line)
    return request


def main() -> int:
    """Serve; 0 when standard input ended, 1 when it cannot."""
    try:
        serve(_request())
    except (NetworkError, OSError) as error:
        print(json.dumps({"ready": False, "error": str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
