"""The benchmark of the lab: who is who among its processes, and one short measurement for real."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.lab import role

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("python -m lab.trunk --livekit-url ws://127.0.0.1:1 --sip-port 0", "trunk"),
        ("/opt/livekit-sip", "trunk"),
        ("python -m lab.agent", "agent"),
        ("/somewhere/livekit-server --config-body {}", "server"),
        ("/usr/bin/redis-server 127.0.0.1:6379", "server"),
        ("python -m lab.settings --arm bounded", None),
        ("python -c from multiprocessing.forkserver import main", None),
        ("", None),
    ],
)
def test_every_process_has_its_part(command: str, part: str | None) -> None:
    """A process is known by its command line; those without a name of their own go with their parent."""
    assert role(command.split()) == part


def test_a_trunk_that_cannot_be_started_is_one_sentence() -> None:
    """The lab's own words reach whoever asked for the measurement."""
    command = [sys.executable, "-m", "benchmarks", "lab", "--livekit-sip", "/nowhere/livekit-sip"]
    ended = subprocess.run(
        [*command, "--seconds", "1"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=110
    )
    assert ended.returncode == 1
    assert "/nowhere/livekit-sip" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.system
@pytest.mark.slow
def test_a_measurement_is_one_line_of_json_with_what_each_part_cost() -> None:
    """Calls are placed for real, and every part has used something for them."""
    command = [sys.executable, "-m", "benchmarks", "lab", "--seconds", "5", "--livekit-sip", "embedded"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=110)
    (line,) = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (line["benchmark"], line["trunk"], line["calls"]) == ("lab", "embedded", 5)
    assert line["ring_to_answer_p50_s"] > 0
    assert all(line["cpu_s_per_call"][part] > 0 for part in ("trunk", "agent", "server", "caller"))
