"""Ten thousand initialisations leave nothing behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ringtime_filters.libraries import FILTERS, HERE

PER_ROOM_BYTES = 1  # a leak is of more than this each time
ROOMS = 10_000
RESIDENT_KB = 2048  # what the kernel counts jumps by pages of thread stacks


@pytest.mark.parametrize("outcome", ["ready", "failing"])
@pytest.mark.parametrize("mode", ["deadline", "background"])
def test_ten_thousand_initialisations_leak_neither_thread_nor_handle_nor_memory(
    plain: Path, mode: str, outcome: str
) -> None:
    """Rooms come and go in one process, each with an initialisation and a stream of its own."""
    counted = subprocess.run(
        [sys.executable, HERE / "leaking.py", plain, mode, outcome],
        env=os.environ | {"PYTHONPATH": str(FILTERS.parent), "MALLOC_ARENA_MAX": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )

    held = json.loads(counted.stdout)
    before, after = held["before"], held["after"]
    assert after["descriptors"] == before["descriptors"]
    assert after["heap_bytes"] - before["heap_bytes"] < PER_ROOM_BYTES * ROOMS
    assert after["resident_kb"] - before["resident_kb"] < RESIDENT_KB
