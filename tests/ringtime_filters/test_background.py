"""In background mode no room waits for a filter: audio passes until it is ready, and then through it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.ringtime_filters.libraries import OPTIONS, Scripted, eventually, heard, standard_error

SAID = [1, -2, 300]
FILTERED = [-1, 2, -300]


def test_a_room_does_not_wait_and_its_audio_is_filtered_once_the_filter_is_ready(scripted: Scripted) -> None:
    """A session made while the filter hangs passes audio unchanged and switches by itself."""
    wrapper = scripted.wrapped(mode="background")

    assert wrapper.audio_filter_on_load(OPTIONS) == 0
    session = wrapper.audio_filter_create(48000, b"", b"{}")
    assert heard(wrapper, session, SAID) == SAID
    scripted.finish(0)

    eventually(lambda: heard(wrapper, session, SAID) == FILTERED)
    wrapper.audio_filter_destroy(session)
    assert scripted.count("destroys") == scripted.count("creates") == 1


def test_audio_keeps_passing_while_the_filter_makes_its_session(scripted: Scripted, creation: int) -> None:
    """A slow create is nobody's wait: it happens beside the audio."""
    wrapper = scripted.wrapped(mode="background")
    wrapper.audio_filter_on_load(OPTIONS)
    session = wrapper.audio_filter_create(48000, b"", b"{}")

    scripted.finish(0)
    eventually(lambda: scripted.count("creates") == 1)
    assert heard(wrapper, session, SAID) == SAID
    os.write(creation, b"\x00")

    eventually(lambda: heard(wrapper, session, SAID) == FILTERED)
    wrapper.audio_filter_destroy(session)


def test_a_stream_for_which_the_filter_makes_no_session_passes_for_good(
    scripted: Scripted, creation: int, tmp_path: Path
) -> None:
    """The FFI has its session already and cannot be told, so the log is."""
    wrapper = scripted.wrapped(mode="background")
    wrapper.audio_filter_on_load(OPTIONS)
    session = wrapper.audio_filter_create(48000, b"", b"{}")

    with standard_error(tmp_path / "log") as log:
        scripted.finish(0)
        os.write(creation, b"\x01")
        eventually(lambda: "made no session" in log.read_text())

    assert heard(wrapper, session, SAID) == SAID
    wrapper.audio_filter_destroy(session)
    assert scripted.count("destroys") == 0


def test_a_failed_initialisation_leaves_audio_as_it_is_until_another_room_s_success(
    scripted: Scripted,
) -> None:
    """The newest room that came meanwhile is tried next, and those that wait are served by its success."""
    wrapper = scripted.wrapped(mode="background")
    session = wrapper.audio_filter_create(48000, b"", b"{}")
    for _ in range(3):
        assert wrapper.audio_filter_on_load(OPTIONS) == 0

    scripted.finish(7)
    eventually(lambda: scripted.count("on_loads") == 2)
    assert heard(wrapper, session, SAID) == SAID
    scripted.finish(0)

    eventually(lambda: heard(wrapper, session, SAID) == FILTERED)
    assert scripted.count("on_loads") == 2
    wrapper.audio_filter_destroy(session)


def test_what_a_waiting_session_is_told_reaches_the_filter(scripted: Scripted, creation: int) -> None:
    """The FFI learns the room's id late; the filter's session is made with, or told, the newest."""
    wrapper = scripted.wrapped(mode="background")
    wrapper.audio_filter_on_load(OPTIONS)
    session = wrapper.audio_filter_create(48000, b"", b"first")
    wrapper.audio_filter_update_stream_info(session, b"second")

    scripted.finish(0)
    eventually(lambda: scripted.count("creates") == 1)
    wrapper.audio_filter_update_stream_info(session, b"third")  # while the filter is at it
    os.write(creation, b"\x00")

    eventually(lambda: heard(wrapper, session, SAID) == FILTERED)
    assert scripted.kept("stream_info") == b"third"
    wrapper.audio_filter_update_stream_info(session, b"fourth")
    assert scripted.kept("stream_info") == b"fourth"
    wrapper.audio_filter_destroy(session)


def test_a_session_that_is_gone_before_the_filter_is_ready_is_never_made(scripted: Scripted) -> None:
    """Only streams that are still there are given to the filter."""
    wrapper = scripted.wrapped(mode="background")
    wrapper.audio_filter_on_load(OPTIONS)
    wrapper.audio_filter_destroy(wrapper.audio_filter_create(48000, b"", b"{}"))
    session = wrapper.audio_filter_create(48000, b"", b"{}")

    scripted.finish(0)

    eventually(lambda: heard(wrapper, session, SAID) == FILTERED)
    assert scripted.count("creates") == 1
    wrapper.audio_filter_destroy(session)


def test_an_initialisation_that_never_finished_is_accounted_for_when_the_process_ends(
    scripted: Scripted,
) -> None:
    """Nobody waited for it, so nothing else would tell."""
    results, never = os.pipe()
    program = (
        "import ctypes, sys, ringtime_filters\n"
        "wrapper = ctypes.CDLL(str(ringtime_filters.wrap(sys.argv[1], mode='background')))\n"
        'assert wrapper.audio_filter_on_load(b\'{"token": "a-secret-token"}\') == 0\n'
    )

    ended = subprocess.run(
        [sys.executable, "-c", program, scripted.path],
        env=os.environ | {"SCRIPTED_FD": str(results)},
        pass_fds=[results],
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )

    os.close(never)
    os.close(results)
    begun, never_finished = ended.stderr.splitlines()
    assert begun == "ringtime_filters: scripted.so: initialisation begun in the background"
    assert "scripted.so: initialisation never finished: still at it after 0." in never_finished
    assert "secret" not in ended.stderr
