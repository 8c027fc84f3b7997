"""A crash inside a filter is laid at its door, and comes about as it would without the wrapper."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ringtime_filters.libraries import FILTERS, HERE


def crashing(filter_path: Path, function: str, *faulthandler: str) -> "subprocess.CompletedProcess[str]":
    """Run an agent whose filter crashes in one of its functions."""
    return subprocess.run(
        [sys.executable, HERE / "crashing.py", filter_path, function, *faulthandler],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(FILTERS.parent)},
        preexec_fn=_without_core_file,
    )


def _without_core_file() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@pytest.mark.parametrize("function", ["on_load", "create", "process_int16"])
@pytest.mark.parametrize(("how", "by"), [("", signal.SIGSEGV), ("_by_abort", signal.SIGABRT)])
def test_the_last_line_names_the_filter_and_what_it_was_doing(
    plain: Path, function: str, how: str, by: signal.Signals
) -> None:
    """The process ends by the signal it would have ended by."""
    ended = crashing(plain, function + how)

    last = ended.stderr.splitlines()[-1]
    assert last == f"ringtime_filters: plain.so: crashed in audio_filter_{function}, by {by.name}"
    assert ended.returncode == -by


@pytest.mark.parametrize("when", ["before", "after"])
def test_python_s_own_account_of_a_crash_is_still_given(plain: Path, when: str) -> None:
    """Whether faulthandler watched before the wrapper or watches since."""
    ended = crashing(plain, "process_int16", when)

    assert "ringtime_filters: plain.so: crashed in audio_filter_process_int16, by SIGSEGV" in ended.stderr
    assert "Fatal Python error: Segmentation fault" in ended.stderr
    assert ended.returncode == -signal.SIGSEGV


def test_only_the_wrapper_of_the_filter_that_crashed_speaks(plain: Path) -> None:
    """Those of other filters pass the signal on."""
    ended = crashing(plain, "process_int16", "among others")

    assert ended.stderr.count("crashed in") == 1
    assert ended.returncode == -signal.SIGSEGV


def test_a_crash_elsewhere_is_not_the_filter_s(plain: Path) -> None:
    """The wrapper says nothing of it and is not in its way."""
    ended = crashing(plain, "elsewhere")

    assert "crashed" not in ended.stderr
    assert ended.returncode == -signal.SIGSEGV
