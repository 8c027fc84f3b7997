"""A second lab beside the first, both left running."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.system.labs import all_end_within
from tests.system.left_up import LeftUp, left_up

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


def test_two_labs_share_nothing(somebodys: LeftUp, tmp_path: Path) -> None:
    """Both take calls, each knows its own trunks alone, and one is taken down without the other.

    It says how to call each arm; `lab down` finds it by its mark and waits until it is gone.
    """
    folder = tmp_path / "second"
    with left_up(
        folder, "--arms", "two=none", "--idle-processes", "1", "--livekit-sip", "embedded"
    ) as second:
        assert "for two (none)" in second.said
        assert second.credentials == folder / "livekit.env"
        assert second.credentials.stat().st_mode & 0o077 == 0
        assert second.trunk != somebodys.trunk
        assert second.answers(second.numbers[0], tmp_path)
        assert somebodys.answers(somebodys.numbers[0], tmp_path)
        assert second.trunk_names() == set()
        supervisor = psutil.Process(second.process.pid)
        family = [supervisor, *supervisor.children(recursive=True)]

        down = subprocess.run(
            [sys.executable, "-m", "lab", "down", "--run-dir", str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert (down.returncode, down.stdout) == (0, f"lab: ended the lab in {folder}\n")
        assert second.process.wait(timeout=10) == 0
        assert all_end_within(family, 0)
        assert not second.credentials.exists()
        assert somebodys.process.poll() is None
        assert somebodys.answers(somebodys.numbers[0], tmp_path)
