"""Netem for as long as a block runs, and what this machine lacks for it."""

import platform
import re
import shutil
from collections.abc import Sequence

from network import netem_tree
from network.emulation import Callers, Executor
from network.errors import NetworkError
from network.executor import InNamespaces
from network.profile import Leg
from network.topology import caller

_SINCE = (5, 18)  # from which on a filter chooses the queue that a packet goes out through (act_skbedit)


class Netem(InNamespaces):
    """Netem (`network.netem`): what it can express, drawn anew at each run, at any rate of packets."""

    executor = Executor.NETEM
    is_seeded = False
    _program = "network.netem"

    @property
    def callers(self) -> Sequence[Callers]:
        """A block of the callers' place for each profile, as far as there are queues."""
        profiles = self.choice.legs[Leg.CALLER]
        return [
            Callers(
                label=label,
                first=caller(0, profile=number),
                count=netem_tree.callers(profiles, number),
            )
            for number, label in enumerate(self.choice.labels)
        ]


def missing_for_netem() -> list[str]:
    """What keeps netem from working here, a sentence each; empty when nothing does."""
    found = [
        f"there is no program {each}: install iproute2" for each in ("ip", "tc") if not shutil.which(each)
    ]
    release = platform.release()
    if tuple(map(int, re.findall(r"\d+", release)[:2])) < _SINCE:
        found.append(f"the kernel is {release}: netem here takes 5.18 or later")
    if not found:
        try:
            with Netem("clean", seed=0):
                pass
        except NetworkError as error:
            found.append(str(error))
    return found
