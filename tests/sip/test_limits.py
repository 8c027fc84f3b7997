"""Descriptors and ports are counted before the first call."""

import resource
import subprocess
import sys

import pytest

from sip import limits
from sip.errors import UsageError
from sip.media import Media
from tests.locust_command import ROOT

UNDER = """
import resource, sys
from sip import limits
from sip.errors import UsageError
from sip.media import Media
soft, hard, at_once = map(int, sys.argv[1:4])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
try:
    limits.make_room(at_once, Media(sys.argv[4]))
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
except UsageError as error:
    print(error)
"""


def under(soft: int, hard: int, at_once: int, media: Media = Media.NONE) -> str:
    """What a process with such limits says, or its new soft limit."""
    command = [sys.executable, "-c", UNDER, str(soft), str(hard), str(at_once), media]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def test_a_soft_limit_is_raised_as_far_as_the_calls_need_it() -> None:
    """A login shell's 1024 are not what the machine allows."""
    assert under(256, 4096, 5000) == str(5000 // 4 + limits.OTHER_DESCRIPTORS)


def test_a_limit_that_does_is_left_alone() -> None:
    """Few calls need nothing."""
    assert under(1024, 4096, 100) == "1024"


def test_more_calls_than_the_machine_allows_are_refused_with_what_it_does_allow() -> None:
    """5000 calls at once, where nobody may have more than 1024 descriptors."""
    said = under(512, 1024, 5000)
    assert said.startswith("--max-concurrent cannot be 5000")
    assert f"do for {(1024 - limits.OTHER_DESCRIPTORS) * 4}" in said


def test_the_pump_has_two_descriptors_a_call() -> None:
    """It would refuse the lines beyond what it may have, in the midst of the run."""
    assert under(512, 1024, 385, Media.PUMP) == "512"
    assert "1024 file descriptors (ulimit -Hn) do for 387" in under(512, 1024, 1000, Media.PUMP)


def test_more_calls_than_there_are_ports_are_refused() -> None:
    """Whatever the range is, ten million calls are too many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(UsageError, match="do for"):
        limits.make_room(10_000_000, Media.NONE)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
