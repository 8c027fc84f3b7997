"""Facts about how a lab fails to come up."""

import asyncio
import sys
from pathlib import Path

import pytest

from lab.arms import parse_arms
from lab.errors import DiedError, LabError, NotReadyError, ProgramMissingError
from lab.process import Child
from lab.stack import Wish, lab_up, unless_one_dies


def come_up(wish: Wish) -> None:
    """Bring a lab up that is not expected to get there."""

    async def run() -> None:
        async with lab_up(wish, say=lambda _: None):
            pytest.fail("the lab is up")

    asyncio.run(run())


@pytest.mark.system
def test_an_agent_that_does_not_register_is_named_with_its_log(tmp_path: Path) -> None:
    """The error says which arm's worker, how long was waited, and where to look."""
    wish = Wish(parse_arms("new=none"), tmp_path, livekit_sip="embedded", agents_timeout_s=0.0)

    with pytest.raises(NotReadyError, match=r"agent-new was not ready within 0 s; .*logs/agent-new\.log is"):
        come_up(wish)


@pytest.mark.system
def test_a_trunk_that_ends_at_once_is_named_with_its_exit_code_and_log(tmp_path: Path) -> None:
    """A livekit-sip that does not start does not keep anybody waiting."""
    broken = tmp_path / "livekit-sip"
    broken.write_text("#!/bin/sh\necho no such configuration\nexit 3\n")
    broken.chmod(0o755)
    wish = Wish(parse_arms("none"), tmp_path, livekit_sip=str(broken))

    with pytest.raises(LabError, match=r"livekit-sip ended with exit code 3 .*livekit-sip\.log"):
        come_up(wish)


def test_a_livekit_sip_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The message names the option, the path and the alternative."""
    wish = Wish(parse_arms("none"), tmp_path, livekit_sip="/nowhere/livekit-sip")

    with pytest.raises(
        ProgramMissingError, match=r"--livekit-sip cannot be '/nowhere/livekit-sip'.*'embedded'"
    ):
        come_up(wish)


def test_filters_that_are_not_compiled_are_told_with_their_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is started."""
    monkeypatch.setattr("lab.arms._FILTERS", tmp_path)

    with pytest.raises(ProgramMissingError, match=r"reference\.so .* are missing; run `make filters`"):
        come_up(Wish(parse_arms("bounded"), tmp_path))


def test_the_death_of_one_part_ends_the_wait_for_another(tmp_path: Path) -> None:
    """The sentence is about the part that died, not about the one that was waited for."""
    with (
        Child(
            "redis", [sys.executable, "-c", "print('out of memory')"], env={}, log=tmp_path / "redis.log"
        ) as child,
        pytest.raises(DiedError, match=r"redis ended with exit code 0 .*: out of memory"),
    ):
        asyncio.run(unless_one_dies(asyncio.sleep(60), [child]))
