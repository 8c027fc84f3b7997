"""Facts about labs that were left running."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.errors import LabError
from lab.left_running import marked, take_down


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A program that has nothing to do with any lab."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_folder_is_marked_for_as_long_as_its_lab_is_up(tmp_path: Path) -> None:
    """The mark names this process, and goes."""
    with marked(tmp_path):
        assert (tmp_path / "lab.pid").read_text().startswith(f"{os.getpid()} ")

    assert list(tmp_path.iterdir()) == []


def test_two_labs_cannot_share_a_folder(tmp_path: Path) -> None:
    """The second is told how to end the first, whose mark stays."""
    with marked(tmp_path):
        with pytest.raises(LabError, match=r"is up in .* already; end it with"), marked(tmp_path):
            pytest.fail("the folder is taken")
        assert (tmp_path / "lab.pid").exists()


def test_another_program_with_the_number_of_a_lab_that_is_gone_is_left_alone(
    tmp_path: Path, bystander: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """Process ids come round again: the birth has to fit as well."""
    born = psutil.Process(bystander.pid).create_time()
    (tmp_path / "lab.pid").write_text(f"{bystander.pid} {born - 1000}\n")

    assert take_down(tmp_path) == 0
    assert capsys.readouterr().out == "lab: none is up\n"
    assert bystander.poll() is None


def test_a_lab_is_ended_and_waited_for(
    tmp_path: Path, bystander: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where nobody has taken note of its end yet."""
    born = psutil.Process(bystander.pid).create_time()
    (tmp_path / "lab.pid").write_text(f"{bystander.pid} {born}\n")

    assert take_down(tmp_path) == 0
    assert capsys.readouterr().out == f"lab: ended the lab in {tmp_path}\n"


def test_a_mark_that_cannot_be_read_is_swept_away(tmp_path: Path) -> None:
    """A lab that was killed while it wrote it is not up."""
    (tmp_path / "lab.pid").write_text("12")

    assert take_down(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []
