"""The tester's own state, a line a second: CPU of its processes, lateness of its loops, dials it dropped."""

import os
import time
from dataclasses import asdict

from sip.phone import Phone, ProcessLoad
from sip.record import HealthFile


class Health:
    """Gathers what happened in a second and appends it to `health-<worker>.jsonl`."""

    def __init__(self, file: HealthFile, phone: Phone) -> None:
        self._file = file
        self._phone = phone
        self._written_s = time.monotonic()
        self._cpu_s = time.process_time()
        self._lag_s = 0.0

    def late(self, by_s: float) -> None:
        """The dialler's loop came `by_s` after the moment it had asked for; early is not late."""
        self._lag_s = max(self._lag_s, by_s)

    def due(self, now_s: float) -> bool:
        """Whether a second has gone since the last line."""
        return now_s - self._written_s >= 1.0

    def write(self, now_s: float, *, calls_up: int, dropped_dials: int) -> None:
        """Append the line and begin the next second."""
        phone = self._phone.health()
        cpu_s = time.process_time()
        own = ProcessLoad("locust", os.getpid(), (cpu_s - self._cpu_s) / (now_s - self._written_s))
        self._file.write(
            {
                "unix": time.time(),
                "processes": [asdict(load) for load in (own, *phone.processes)],
                "loop_lag_s": max(self._lag_s, phone.loop_lag_s or 0.0),
                "calls_up": calls_up,
                "dropped_dials": dropped_dials,
                "restarts": phone.restarts,
            }
        )
        self._written_s, self._cpu_s, self._lag_s = now_s, cpu_s, 0.0
