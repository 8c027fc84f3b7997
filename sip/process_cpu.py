"""How much of a core a process of the tester uses, by what the kernel says of it."""

import os
import time
from pathlib import Path

from sip.phone import ProcessLoad


class ProcessCpu:
    """The CPU of one process, from now on."""

    def __init__(self, name: str, pid: int) -> None:
        self._name, self._pid = name, pid
        self._before = (0.0, time.monotonic())

    def load(self) -> ProcessLoad | None:
        """Its share since the last look; None where it is gone."""
        try:
            stat = Path(f"/proc/{self._pid}/stat").read_text()
        except FileNotFoundError:
            return None
        user, system = stat.rsplit(")", 1)[1].split()[11:13]  # proc(5): fields 14 and 15, in clock ticks
        cpu_s = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        now_s = time.monotonic()
        before_cpu_s, before_s = self._before
        self._before = (cpu_s, now_s)
        return ProcessLoad(self._name, self._pid, (cpu_s - before_cpu_s) / (now_s - before_s))
