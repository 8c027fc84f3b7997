"""The relay as a program, `python -m network.relaying REQUEST`, and as a child process for a block."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from network import language, priority
from network.companion import Companion
from network.dose import Journal, LegDose
from network.errors import NetworkError
from network.leg import Links
from network.profile import Leg, Profile
from network.relay import Host, Relay, check

_EVERY_S = 1.0
_LEVEL = 20  # of its real-time priority: above everything of the tester
_STDIN = 0


class Relaying:
    """A relay between near hosts and a far one for as long as a block runs.

    `out` is the file that the dose is written to.

    Raises:
        CannotExpressError: The profile is not for a relay.
        UnavailableError: An alias is taken.
        WireError: The relay did not come up.
    """

    def __init__(
        self, profile: Profile, *, near: Sequence[Host], far: Host, seed: int, out: Path | None = None
    ) -> None:
        check(profile, tcp=bool(far.tcp or any(host.tcp for host in near)))
        self._request = json.dumps(
            {
                "profile": profile.origin,
                "leg": profile.leg,
                "near": [asdict(host) for host in near],
                "far": asdict(far),
                "seed": seed,
                "out": str(out.resolve()) if out is not None else None,
            }
        )

    def __enter__(self) -> Self:
        self._companion = Companion("network.relaying", self._request)
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
    profile = language.load(request["profile"])
    near = [_host(each) for each in request["near"]]
    far = _host(request["far"])
    only = Links([profile], lambda _: 0, seed=request["seed"])
    dose = LegDose(Leg(request["leg"]), only)
    relay = Relay(near, far, dose)
    journal = Journal(Path(request["out"])) if request["out"] else None
    given = priority.take(_LEVEL)
    print(json.dumps({"ready": True, "pid": os.getpid(), "priority": given}), flush=True)
    tick_s, cpu_s, done = _EVERY_S, time.process_time(), False
    while not done:
        done = relay.run(tick_s, _STDIN)
        now_s, used_s = relay.at_s(), time.process_time()
        if journal is not None:
            own = {
                "kind": "executor",
                "executor": "relay",
                "priority": given,
                "cpu_s": round(used_s - cpu_s, 4),
            }
            lines = [*dose.take(now_s), own | {"unread": 0, "strangers": relay.strangers}]
            journal.write(lines, unix=time.time(), at_s=now_s)
        tick_s, cpu_s = tick_s + _EVERY_S, used_s


def _host(keys: dict[str, Any]) -> Host:
    return Host(**keys | {"udp": tuple(keys["udp"]), "tcp": tuple(keys["tcp"])})


def main(arguments: Sequence[str]) -> int:
    """Serve; 0 when standard input ended, 1 when it cannot."""
    try:
        serve(json.loads(arguments[0]))
    except (NetworkError, OSError) as error:
        print(json.dumps({"ready": False, "error": str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
