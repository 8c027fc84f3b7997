"""The benchmark of the voice of calls: a short measurement for real."""

import json
import subprocess
import sys

import pytest

from benchmarks.capture import missing_for_capture
from tests.locust_command import ROOT

LACKING = missing_for_capture()


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
def test_a_measurement_is_one_line_of_json() -> None:
    """What calls cost by each of three callers, and how exact the pump is."""
    command = [sys.executable, "-m", "benchmarks", "media", "--calls", "8", "--seconds", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=140)
    (line,) = [json.loads(line) for line in ended.stdout.splitlines()]

    assert (line["benchmark"], line["calls"], line["lost"]) == ("media", 8, 0)
    assert line["cpu_ms_per_call_s"] > 0
    assert line["ratio_to_sipp"] == pytest.approx(
        line["cpu_ms_per_call_s"] / line["sipp_cpu_ms_per_call_s"], rel=0.01
    )
    assert line["captured_calls"] == 8
    assert 0 <= line["send_jitter_ms"]["p50"] <= line["send_jitter_ms"]["p99"]
    assert 0 <= line["receive_error_ms"]["p50"] < 5


def test_nothing_to_measure_is_one_sentence() -> None:
    """Exit code 1."""
    command = [sys.executable, "-m", "benchmarks", "media", "--calls", "0"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 1
    assert ended.stderr == (
        "python -m benchmarks media: nothing to measure: give more --calls or --seconds\n"
    )
