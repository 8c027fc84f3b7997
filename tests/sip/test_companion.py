"""A child process that serves a run is heard line by line and goes with its standard input."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sip.companion import Companion

Starting = Callable[..., Companion]


@pytest.fixture
def start() -> Iterator[Starting]:
    """`start(program, …)` runs lines of Python; what a test leaves is ended."""
    started: list[Companion] = []

    def run(program: str, *, gone_within_s: float = 20.0, log: Path | None = None) -> Companion:
        started.append(Companion([sys.executable, "-c", program], gone_within_s=gone_within_s, log=log))
        return started[-1]

    yield run
    for companion in started:
        companion.stop()


def always() -> bool:
    """Nobody has interrupted."""
    return True


def test_its_lines_are_read_one_after_the_other_and_none_is_lost(start: Starting) -> None:
    """Also those that came with the first; half a line is none."""
    companion = start(
        'import sys; print(\'{"ready": true}\\n{"n": 1}\\n{"n":\', end=\'\', flush=True); sys.stdin.read()'
    )

    assert companion.first_line(go_on=always, within_s=20) == {"ready": True}
    assert companion.lines() == [{"n": 1}]
    assert companion.lines() == []
    assert companion.stop() == 0


def test_what_it_says_at_its_end_still_counts(start: Starting) -> None:
    """A refusal is a line and an exit code."""
    companion = start("print('{\"ready\": false}'); raise SystemExit(2)")

    assert companion.first_line(go_on=always, within_s=20) == {"ready": False}
    assert companion.wait() == 2


def test_one_that_ends_without_a_word_is_not_waited_for(start: Starting) -> None:
    """None, and its exit code."""
    companion = start("raise SystemExit(3)")

    assert companion.first_line(go_on=always, within_s=20) is None
    assert companion.exit_code == 3


def test_an_interruption_ends_the_wait(start: Starting) -> None:
    """Whoever interrupts does not wait for the lab."""
    companion = start("input()")

    assert companion.first_line(go_on=lambda: False, within_s=20) is None
    assert companion.exit_code is None


def test_one_that_says_nothing_in_time_is_an_error(start: Starting) -> None:
    """The caller knows what it waited for, and says so."""
    companion = start("input()")

    with pytest.raises(TimeoutError):
        companion.first_line(go_on=always, within_s=0.0)


def test_one_that_does_not_go_is_killed(start: Starting) -> None:
    """The end of its standard input is a request, the rest is force."""
    companion = start("import time; print('{}', flush=True); time.sleep(1000)", gone_within_s=0.1)
    companion.first_line(go_on=always, within_s=20)

    assert companion.stop() == -9


def test_its_complaints_go_to_its_log(start: Starting, tmp_path: Path) -> None:
    """The folder is made for it."""
    log = tmp_path / "logs" / "rooms.log"
    start("import sys; print('oh', file=sys.stderr)", log=log).wait()

    assert log.read_text() == "oh\n"
