"""Child processes that say lines of JSON."""

import pytest

from network import companion
from network.companion import Companion
from network.errors import UnavailableError, WireError


def test_a_program_that_ends_before_it_is_ready_is_told_by_its_exit_code(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What it wrote to standard error is there to be read."""
    with pytest.raises(WireError, match=r"network\.nothing ended with exit code 1 before it said ready"):
        Companion("network.nothing").ready()
    assert "No module named network.nothing" in capfd.readouterr().err


def test_a_program_that_cannot_says_why() -> None:
    """The sentence is its own."""
    with pytest.raises(UnavailableError, match="there is no network profile 'nothing'"):
        Companion("network.wire", "--network", "nothing", "--seed", "1").ready()


def test_a_program_that_was_ended_is_heard_no_more() -> None:
    """Ending it twice does no harm, nor does telling it something."""
    child = Companion("network.nothing")
    child.end()
    child.end()
    child.tell("begin")
    with pytest.raises(WireError, match="was closed before it said ready"):
        child.said("ready")


def test_a_program_that_fails_is_an_error_with_its_words() -> None:
    """And not with a traceback of its parent."""
    with pytest.raises(WireError, match=r"No module named network\.nothing"):
        companion.run("network.nothing")
