"""The benchmark of times: one short measurement for real, and what it refuses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.capture import missing_for_capture

ROOT = Path(__file__).parents[2]
LACKING = missing_for_capture() or (None if shutil.which("sipp") else "SIPp is not installed")


def test_a_measurement_without_a_call_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In one sentence, with what would do."""
    assert main(["timing", "--seconds", "0.001"]) == 1
    assert "nothing to measure: give more --calls-per-second or --seconds" in capsys.readouterr().err


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
def test_a_measurement_holds_each_tester_s_times_against_the_wire() -> None:
    """Ringtime by each way of media, SIPp, and what no tester can be better than."""
    options = ["--calls-per-second", "20", "--seconds", "1", "--busy", "0"]
    command = [sys.executable, "-m", "benchmarks", "timing", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)

    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(line["tester"], line.get("media")) for line in lines] == [
        ("ringtime", "pjsua2"),
        ("ringtime", "none"),
        ("sipp", None),
        ("bare", None),
    ]
    for line in lines[:3]:
        assert (line["benchmark"], line["busy"]) == ("timing", 0)
        assert line["calls"] + line.get("lost", 0) == 20
        for name in ("post_dial_delay_error_ms", "ring_to_answer_error_ms"):
            assert 0 <= line[name]["p50"] <= line[name]["p99"]
    assert lines[3]["late_ms"]["p50"] > 0
