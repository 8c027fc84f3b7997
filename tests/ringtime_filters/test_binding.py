"""From bound() on, every filter that a process registers with LiveKit's SDK is wrapped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ringtime_filters.libraries import FILTERS

PREAMBLE = """
import os, sys, warnings
from pathlib import Path
import ringtime_filters

def wrappers():
    maps = Path("/proc/self/maps").read_text().splitlines()
    return {line.split()[5] for line in maps if "/memfd:ringtime-" in line}

"""


def in_process(program: str, *filters: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program beside the real SDK, whose threads let no process end in order."""
    return subprocess.run(
        [sys.executable, "-c", f"{PREAMBLE}{program}\nsys.stdout.flush(); os._exit(0)", *filters],
        env=os.environ | {"PYTHONPATH": str(FILTERS.parent)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_filters_are_wrapped_that_are_registered_after_the_sdk_is_imported(plain: Path) -> None:
    """The SDK is imported by nobody but the agent, and the last call's bound counts."""
    run = in_process(
        "ringtime_filters.bound(1)\n"
        "assert not [name for name in sys.modules if name.startswith('livekit')]\n"
        "from livekit import rtc\n"
        "rtc.AudioFilter('one', sys.argv[1])\n"
        "assert wrappers() == {'/memfd:ringtime-plain.so'}\n"
        "first = ringtime_filters.wrap(sys.argv[1], deadline_s=1)\n"
        "ringtime_filters.bound(2, mode='background')\n"
        "rtc.AudioFilter('two', path=sys.argv[1], dependencies=[])\n"
        "descriptors = len(os.listdir('/proc/self/fd'))\n"
        "second = ringtime_filters.wrap(sys.argv[1], deadline_s=2, mode='background')\n"
        "assert first != second and len(os.listdir('/proc/self/fd')) == descriptors\n",
        plain,
    )

    assert run.returncode == 0, run.stderr


def test_filters_are_wrapped_too_where_the_sdk_was_there_first(plain: Path) -> None:
    """What counts is when a filter is registered."""
    run = in_process(
        "from livekit import rtc\n"
        "ringtime_filters.bound()\n"
        "rtc.AudioFilter('one', sys.argv[1])\n"
        "assert len(wrappers()) == 1\n",
        plain,
    )

    assert run.returncode == 0, run.stderr
    assert "Warning" not in run.stderr


def test_a_filter_that_was_registered_before_is_warned_of_by_name(plain: Path) -> None:
    """It would hold up calls as ever, silently; one that was wrapped by hand would not."""
    run = in_process(
        "from livekit import rtc\n"
        "rtc.AudioFilter('one', sys.argv[1])\n"
        "ringtime_filters.register('bounded')\n"
        "ringtime_filters.bound()\n"
        "assert len(wrappers()) == 1\n",
        plain,
    )

    assert run.returncode == 0, run.stderr
    assert f"RuntimeWarning: {plain} was registered before ringtime_filters.bound()" in run.stderr
    assert run.stderr.count("RuntimeWarning") == 1


def test_a_filter_that_cannot_be_wrapped_is_an_error_where_it_is_registered(tmp_path: Path) -> None:
    """Who calls bound() wants to know."""
    run = in_process(
        "ringtime_filters.bound()\n"
        "from livekit import rtc\n"
        "try:\n    rtc.AudioFilter('one', sys.argv[1])\n"
        "except ringtime_filters.FilterError as error:\n    print(error)\n",
        tmp_path / "none.so",
    )

    assert run.stdout.startswith(f"no audio filter at {tmp_path / 'none.so'}"), run.stderr


def test_a_bound_that_is_none_is_refused_at_once() -> None:
    """Not only when a filter comes."""
    run = in_process("ringtime_filters.bound(0)")

    assert "FilterError: a deadline of 0 s" in run.stderr


def test_every_kind_of_the_reference_filter_can_be_registered() -> None:
    """The lab's arms, and a sentence for one that is none."""
    run = in_process(
        "for kind in ('unbounded', 'bounded', 'deferred', 'eager'):\n"
        "    try:\n        ringtime_filters.register(kind, deadline_s=1)\n"
        "    except ringtime_filters.FilterError as error:\n        print(error)\n"
        "    print(kind, len(wrappers()))\n"
    )

    assert run.stdout.splitlines() == [
        "unbounded 0",
        "bounded 1",
        "deferred 1",
        "no filter of kind 'eager': 'unbounded', 'bounded' or 'deferred' would do",
        "eager 1",
    ]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"RINGTIME_FILTER_DEADLINE_S": "2"}, ""),
        (
            {"RINGTIME_FILTER_DEADLINE_S": "0"},
            "RINGTIME_FILTER_DEADLINE_S is '0': a number of seconds above 0",
        ),
        ({"RINGTIME_FILTER_DEADLINE_S": "soon"}, "RINGTIME_FILTER_DEADLINE_S is 'soon': "),
        (
            {"RINGTIME_FILTER_MODE": "eager"},
            "RINGTIME_FILTER_MODE is 'eager': deadline or background would do",
        ),
    ],
)
def test_the_environment_alone_binds_filters_and_keeps_the_agent_going(
    plain: Path, tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    """What is wrong is a line in the log: a default is used, or a filter is left out."""
    run = in_process(
        "import ringtime_filters.environment\n"
        "from livekit import rtc\n"
        "rtc.AudioFilter('one', sys.argv[1])\n"
        "rtc.AudioFilter('two', sys.argv[2])\n"
        "assert len(wrappers()) == 1\n",
        plain,
        tmp_path / "none.so",
        **variables,
    )

    assert run.returncode == 0, run.stderr
    assert "ringtime_filters: none.so: left out: no audio filter at" in run.stderr
    assert said in run.stderr
