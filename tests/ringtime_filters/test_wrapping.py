"""Each wrapped filter has a wrapper of its own, and what cannot be wrapped is refused with the reason."""

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import ringtime_filters
from tests.ringtime_filters.libraries import (
    FILTERS,
    HERE,
    OPTIONS,
    REFERENCE,
    SHORT_S,
    Scripted,
    compiled,
    heard,
    load,
)


def test_two_filters_of_one_process_know_nothing_of_each_other(scripted: Scripted, tmp_path: Path) -> None:
    """One that hangs leaves the other alone: a path is one library with one state, so each has its own."""
    other = compiled(tmp_path / "other.so", HERE / "scripted.c", '-DSCRIPTED_FD_VARIABLE="NOT_SET"')
    hanging = scripted.wrapped(deadline_s=SHORT_S)
    working = load(ringtime_filters.wrap(other))

    assert hanging.audio_filter_on_load(OPTIONS) != 0
    assert working.audio_filter_on_load(OPTIONS) == 0

    assert hanging.audio_filter_create(48000, b"", b"{}") is None
    session = working.audio_filter_create(48000, b"", b"{}")
    assert heard(working, session, [5]) == [-5]
    working.audio_filter_destroy(session)


def test_a_filter_is_wrapped_once_for_each_bound(plain: Path) -> None:
    """To wrap again costs nothing; another bound is another wrapper."""
    once = ringtime_filters.wrap(plain, deadline_s=1)

    assert ringtime_filters.wrap(plain, deadline_s=1) == once
    assert ringtime_filters.wrap(plain, deadline_s=2) != once
    assert ringtime_filters.wrap(plain, deadline_s=1, mode="background") != once


def test_a_wrapper_is_not_wrapped_again(plain: Path) -> None:
    """What was wrapped by hand stays so where everything is wrapped."""
    once = ringtime_filters.wrap(plain)

    assert ringtime_filters.wrap(once, deadline_s=1) == once


def test_a_wrapper_leaves_no_file_behind(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its copy is in memory; where the system forbids that, in a file that is gone once it is loaded."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def forbidden(name: str) -> int:
        raise OSError(errno.EPERM, "Operation not permitted", name)

    in_memory = ringtime_filters.wrap(plain, deadline_s=1)
    monkeypatch.setattr(os, "memfd_create", forbidden)
    in_file = ringtime_filters.wrap(plain, deadline_s=2)

    assert str(in_memory).startswith("/proc/self/fd/")
    assert in_file.parent == folder
    assert list(folder.iterdir()) == []
    for wrapper in (in_memory, in_file):
        assert load(wrapper).audio_filter_on_load(OPTIONS) == 0


@pytest.mark.parametrize(
    ("scripted", "converts"), [("-DBARE", False), ("-DWITH_V2", True)], indirect=["scripted"]
)
def test_the_wrapper_converts_sample_rates_exactly_where_the_filter_does(
    scripted: Scripted, converts: bool
) -> None:
    """The FFI goes by the presence of the optional functions, so they are there only with the filter's."""
    assert hasattr(scripted.wrapped(), "audio_filter_create_v2") is converts


@pytest.mark.parametrize("scripted", ["-DBARE"], indirect=True)
def test_a_filter_without_the_optional_functions_is_served(scripted: Scripted) -> None:
    """A token that it cannot be told is not told to it."""
    wrapper = scripted.wrapped()
    scripted.finish(0)

    assert wrapper.audio_filter_on_load(OPTIONS) == 0
    wrapper.audio_filter_update_token(b"ws://127.0.0.1:1/", b"token")


def test_libraries_that_a_filter_needs_are_loaded_before_it(tmp_path: Path) -> None:
    """The FFI is handed them beside the filter and loads them only after it has been wrapped."""
    source = tmp_path / "needed.c"
    source.write_text("int needed(void) { return 0; }\n")
    needed = compiled(tmp_path / "libneeded.so", source, "-Wl,-soname,libneeded.so")
    links = ["-Wl,--no-as-needed", f"-L{tmp_path}", "-lneeded"]
    path = compiled(tmp_path / "needy.so", HERE / "scripted.c", *links)

    with pytest.raises(ringtime_filters.FilterError, match=r"libneeded\.so"):
        ringtime_filters.wrap(path)
    assert ringtime_filters.wrap(path, dependencies=[str(needed)])


FORK = """
import ctypes, os, sys, threading, ringtime_filters
options = b'{"token": "secret"}'
results, pipe = os.pipe()
os.environ["SCRIPTED_FD"] = str(results)
wrapper = ctypes.CDLL(str(ringtime_filters.wrap(sys.argv[1], deadline_s=60)))
if sys.argv[2] == "under way":
    threading.Thread(target=wrapper.audio_filter_on_load, args=[options], daemon=True).start()
    loads = ctypes.c_int.in_dll(ctypes.CDLL(sys.argv[1]), "scripted_on_loads")
    while not loads.value:
        os.sched_yield()
if sys.argv[2] == "done":
    os.write(pipe, b"\\0")
    assert wrapper.audio_filter_on_load(options) == 0
child = os.fork()
if not child:
    wrapper.audio_filter_create.restype = ctypes.c_void_p
    assert wrapper.audio_filter_create(48000, b"", b"") is None
    os.environ["SCRIPTED_FD"] = ""
    os._exit(wrapper.audio_filter_on_load(options))
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
os._exit(status)
"""


@pytest.mark.parametrize("in_parent", ["not begun", "under way", "done"])
def test_a_process_that_was_forked_begins_anew(plain: Path, in_parent: str) -> None:
    """Job processes are forked: what the parent has loaded is there, what it has begun or finished is not."""
    program = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, plain, in_parent]

    forked = subprocess.run(program, timeout=30, capture_output=True, text=True, cwd=FILTERS.parent)

    assert forked.returncode == 0, forked.stderr


@pytest.mark.parametrize("deadline_s", [0, -1, 1e9, float("nan"), float("inf")])
def test_a_deadline_that_is_none_is_refused(deadline_s: float) -> None:
    """A wrapper without a deadline would be the defect again."""
    with pytest.raises(ringtime_filters.FilterError, match=f"a deadline of {deadline_s} s: .* above 0"):
        ringtime_filters.wrap(REFERENCE, deadline_s=deadline_s)


def test_a_mode_that_is_none_is_refused() -> None:
    """The message names those that are."""
    with pytest.raises(ringtime_filters.FilterError, match="'deadline' or 'background'"):
        ringtime_filters.wrap(REFERENCE, mode="eager")  # type: ignore[arg-type]


def test_a_path_that_is_no_filter_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Missing, no library, a library that is something else: each says which."""
    text = tmp_path / "text.so"
    text.write_text("not a library")

    for path, reason in [(tmp_path / "none.so", "no audio filter at"), (text, "no shared library")]:
        with pytest.raises(ringtime_filters.FilterError, match=reason):
            ringtime_filters.wrap(path)
    with pytest.raises(ringtime_filters.FilterError, match="audio_filter_on_load"):
        ringtime_filters.wrap(_libc())


@pytest.mark.parametrize(
    ("variables", "said", "initialised"),
    [
        ({}, "RINGTIME_FILTER does not name the filter's library", False),
        ({"RINGTIME_FILTER": "/no/such.so"}, "such.so: cannot be loaded: ", False),
        ({"RINGTIME_FILTER": "LIBC"}, "having no audio_filter_on_load", False),
        ({"RINGTIME_FILTER": "WRAPPER"}, "is a wrapper itself", False),
        (
            {"RINGTIME_FILTER": "PLAIN", "RINGTIME_FILTER_DEADLINE_S": "nan"},
            "DEADLINE_S is nan: .* 5.0",
            True,
        ),
        ({"RINGTIME_FILTER": "PLAIN", "RINGTIME_FILTER_MODE": "eager"}, "MODE is eager: ", True),
        ({"RINGTIME_FILTER": "PLAIN", "RINGTIME_FILTER_DEADLINE_S": "2"}, "plain.so: initialised in", True),
    ],
)
def test_a_wrapper_that_is_loaded_by_its_own_path_is_told_by_the_environment(
    plain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    variables: dict[str, str],
    said: str,
    initialised: bool,
) -> None:
    """What is wrong there is one line in the log: the filter is left out or a default used; calls go on."""
    copy = shutil.copy(FILTERS / "bounded.so", tmp_path / "copy.so")
    places = {"PLAIN": str(plain), "LIBC": str(_libc()), "WRAPPER": str(FILTERS / "bounded.so")}
    for name in ("RINGTIME_FILTER", "RINGTIME_FILTER_DEADLINE_S", "RINGTIME_FILTER_MODE"):
        value = variables.get(name, "")
        monkeypatch.setenv(name, places.get(value, value))
    wrapper = load(copy)

    result = wrapper.audio_filter_on_load(OPTIONS)

    assert (result == 0) is initialised
    assert (wrapper.audio_filter_create(48000, b"", b"{}") is not None) is initialised
    log = capfd.readouterr().err
    assert len(re.findall(f"^ringtime_filters: .*{said}", log, re.MULTILINE)) == 1


def _libc() -> Path:
    maps = Path("/proc/self/maps").read_text().splitlines()
    return next(Path(line.split()[-1]) for line in maps if "/libc.so" in line)
