"""What passes between the load side and the lab that it started, the lab's part being played by a script."""

import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sip.errors import LabDownError
from sip.lab_process import LabProcess
from tests.sip.test_options import read

DIED = '{"event": "died", "process": "network", "error": "network ended with exit code 1"}'
Starting = Callable[..., LabProcess]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Starting]:
    """`start(answer, *words)` starts a lab for these options that says `answer` when it is told to begin."""
    started: list[LabProcess] = []

    def run(answer: str, *words: str) -> LabProcess:
        script = tmp_path / "python"
        script.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\nread word && {answer}\ncat >/dev/null\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(script))
        started.append(LabProcess(read(*words), tmp_path))
        return started[-1]

    yield run
    for lab in started:
        lab.stop()


def test_the_network_is_passed_on_and_put_in_force_by_a_word(start: Starting, tmp_path: Path) -> None:
    """The lab has it with all its legs, and answers when the profiles are in force."""
    answer = 'test "$word" = begin && echo \'{"event": "began", "monotonic": 1.0, "unix": 2.0}\''
    lab = start(answer, "--network", "flap", "--network-executor", "wire")

    lab.begin()

    words = (tmp_path / "words").read_text()
    assert "--network caller=clean;agent=flap;settings=clean --network-executor wire" in words


def test_a_lab_without_an_emulated_network_is_not_told_of_one(start: Starting, tmp_path: Path) -> None:
    """A run under clean is as it always was."""
    start('echo \'{"event": "began"}\'').begin()

    assert "--network" not in (tmp_path / "words").read_text()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [(f"echo '{DIED}'", "network ended with exit code 1"), ("exit 3", "ended with exit code 3")],
)
def test_a_network_that_fails_to_begin_ends_the_run(start: Starting, answer: str, sentence: str) -> None:
    """With the lab's own sentence where it has one."""
    with pytest.raises(LabDownError, match=sentence):
        start(answer).begin()
