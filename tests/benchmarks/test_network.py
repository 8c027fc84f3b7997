"""The benchmark of the network: one short measurement for real, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from network.executor import missing_for_wire

ROOT = Path(__file__).parents[2]
LACKING = missing_for_wire()


def test_a_rate_below_what_is_measured_is_refused() -> None:
    """In one sentence, with what would do."""
    command = [sys.executable, "-m", "benchmarks", "network", "--packets-per-second", "10"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "a rate must be 1000 packets/s or more" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.system
@pytest.mark.skipif(bool(LACKING), reason="; ".join(LACKING))
@pytest.mark.slow
def test_a_measurement_says_what_carrying_packets_costs_and_how_exact_it_is() -> None:
    """One line for each profile through the wire, and one for the relay as its peer."""
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "network",
        "--packets-per-second",
        "2000",
        "--seconds",
        "4",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    wires = [line for line in lines if line["executor"] == "wire"]
    assert [line["profile"] for line in wires] == ["constant", "full"]
    for line in wires:
        assert line["benchmark"] == "network"
        assert line["carried_per_s"] > 1000  # the load itself is an ordinary process, and may be kept waiting
        assert line["cpu_share"] > 0
        assert line["delay_error_ms"]["p50"] is not None
    (relay,) = [line for line in lines if line["executor"] == "relay"]
    assert relay["loss_got"] < 1
    assert relay["carried_per_s"] > 0
    assert (wires[1]["loss_set"], wires[1]["burst_set"]) == (0.05, 5)
    assert wires[1]["loss_got"] > 0
