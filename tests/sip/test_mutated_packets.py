"""The pump under the address and undefined behaviour sanitizers, given what is nearly right."""

import random
import subprocess
import time
from pathlib import Path

import pytest

from sip.media import Pump
from sip.pump_words import Opened, Report
from tests.sip.rtp_peer import TONE, RtpPeer, Told, packet, write_tone

ROOT = Path(__file__).parents[2]
PACKETS = 200_000  # `make fuzz` has a million
pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


def built(program: str) -> Path:
    """A program of the Makefile, with the sanitizers in it."""
    subprocess.run(["make", "-s", program], cwd=ROOT, check=True, capture_output=True)  # noqa: S607
    return ROOT / program


def test_mutated_packets_do_no_harm() -> None:
    """Forms of RTP and RTCP with flipped bits, cut, prolonged, from anywhere, at any time."""
    done = subprocess.run(
        [built("build/mutate"), str(PACKETS), "1"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{PACKETS} packets\n", "")


def test_a_pump_lives_through_garbage_at_its_ports_and_in_its_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it cannot do it says in its log; the call goes on, and its report is that of the good packets."""
    monkeypatch.setattr("sip.media.PROGRAM", built("build/pump"))
    write_tone(tmp_path / "voice.wav", seconds=0.1)
    pump = Pump(log=tmp_path / "pump.log", voice=tmp_path / "voice.wav")
    pump.open()
    try:
        with RtpPeer() as peer:
            pump.open_ear(1, "127.0.0.1")
            opened = Told(pump).of(Opened)
            pump.start(1, peer.far(), answered_s=time.monotonic())
            draw = random.Random(1)
            for sequence in range(300):
                peer.send(packet(sequence, TONE), opened.port)
                peer.send(bytes([draw.randrange(64)]) + draw.randbytes(draw.randrange(600)), opened.port)
                peer.rtcp.sendto(draw.randbytes(draw.randrange(600)), ("127.0.0.1", opened.rtcp_port))
            for order in (
                "stop",
                "open 2",
                "open 3 nowhere 1 1",
                "start 1 x 1 1 0 0 1 1 0",
                "dance",
                "digits 1 x",
            ):
                pump._order(order)
            pump.stop(1)
            report = Told(pump).of(Report)
            pump.open_ear(4, "127.0.0.1")
            assert Told(pump).of(Opened, 4).port
    finally:
        pump.close()

    assert 0 < report.rtp.received <= 300  # a slowed pump may miss some of so many at once
    log = (tmp_path / "pump.log").read_text()
    assert "not done: dance" in log
    assert "Sanitizer" not in log
    assert "runtime error" not in log
