"""CPU time is counted once, with the part that used it."""

import subprocess
import sys

import psutil
import pytest

from benchmarks.processes import cpu_by_role

# Burns a quarter of a CPU-second in a child that ends, says so, and lives on idle.
FAMILY = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < 0.25: pass"
subprocess.run([sys.executable, "-c", burn], check=True)
print("burnt", flush=True)
sys.stdin.read()
"""


def test_time_of_a_child_that_has_ended_counts_with_its_parents_part() -> None:
    """A job process that has come and gone is part of what its worker cost."""
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as family:
        assert family.stdout is not None
        assert family.stdout.readline() == "burnt\n"
        used = cpu_by_role(
            psutil.Process(family.pid), lambda words: "agent" if "worker" in words else None, otherwise="?"
        )
        family.communicate("")
    assert used["agent"] >= 0.25
    assert used["?"] == 0


def test_a_tree_that_is_gone_has_used_nothing() -> None:
    """Whoever measures too late gets no figure, and no exception."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        process = psutil.Process(gone.pid)
        gone.wait()
    assert cpu_by_role(process, lambda _: None, otherwise="?") == {}


@pytest.mark.parametrize("part", ["agent", "trunk"])
def test_a_child_has_the_part_of_its_parent_unless_its_own_command_says_otherwise(part: str) -> None:
    """Job processes are nameless forks: what they cost is their worker's."""
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as family:
        assert family.stdout is not None
        family.stdout.readline()
        own = {family.pid: part}
        used = cpu_by_role(
            psutil.Process(), lambda words: own[family.pid] if "worker" in words else None, otherwise="tests"
        )
        family.communicate("")
    assert used[part] >= 0.25
    assert used["tests"] > 0
