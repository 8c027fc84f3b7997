"""In deadline mode a room waits for a filter so long and no longer; else the wrapper is the filter."""

import os
import time

import pytest

from tests.ringtime_filters.libraries import AMPLE_S, OPTIONS, SHORT_S, Scripted, heard, in_thread


def test_an_initialisation_in_time_enables_the_filter(scripted: Scripted) -> None:
    """The wrapper reports the filter's success, and the audio then goes through the filter."""
    wrapper = scripted.wrapped()
    loading = in_thread(wrapper.audio_filter_on_load, OPTIONS)

    scripted.finish(0)

    assert loading.result(AMPLE_S) == 0
    session = wrapper.audio_filter_create(48000, b"", b"{}")
    assert heard(wrapper, session, [1, -2, 300]) == [-1, 2, -300]
    wrapper.audio_filter_destroy(session)
    assert scripted.count("destroys") == 1


def test_a_failed_initialisation_gives_the_filter_s_own_code(scripted: Scripted) -> None:
    """A failure is passed through as it is, and no session can be made."""
    wrapper = scripted.wrapped()
    loading = in_thread(wrapper.audio_filter_on_load, OPTIONS)

    scripted.finish(7)

    assert loading.result(AMPLE_S) == 7
    assert wrapper.audio_filter_create(48000, b"", b"{}") is None


def test_a_late_initialisation_lets_the_call_go_on_without_the_filter(scripted: Scripted) -> None:
    """After the deadline the wrapper reports failure, never before it, and makes no half-ready session."""
    wrapper = scripted.wrapped(deadline_s=SHORT_S)
    began_s = time.monotonic()

    result = wrapper.audio_filter_on_load(OPTIONS)

    assert result != 0
    assert time.monotonic() - began_s >= SHORT_S
    assert wrapper.audio_filter_create(48000, b"", b"{}") is None
    scripted.finish(0)


def test_a_late_success_is_adopted_by_the_next_session(scripted: Scripted) -> None:
    """A filter that became ready after all serves later calls, even while a newer attempt hangs."""
    wrapper = scripted.wrapped(deadline_s=SHORT_S)
    assert wrapper.audio_filter_on_load(OPTIONS) != 0

    scripted.finish(0)

    while wrapper.audio_filter_on_load(OPTIONS) != 0:  # each look lasts the deadline at the most
        pass
    session = wrapper.audio_filter_create(48000, b"", b"{}")
    assert session is not None
    wrapper.audio_filter_destroy(session)


def test_a_hung_filter_costs_one_initialisation_however_many_sessions_come(scripted: Scripted) -> None:
    """Sessions wait for the running attempt, each up to its own deadline, and start no further one."""
    wrapper = scripted.wrapped(deadline_s=SHORT_S)

    results = [wrapper.audio_filter_on_load(OPTIONS) for _ in range(5)]

    assert all(result != 0 for result in results)
    assert scripted.count("on_loads") == 1
    scripted.finish(0)


def test_a_session_that_waited_for_another_s_failure_tries_for_itself(scripted: Scripted) -> None:
    """Another room's refusal, by its token perhaps, is not this room's."""
    wrapper = scripted.wrapped()
    results = [in_thread(wrapper.audio_filter_on_load, OPTIONS) for _ in range(2)]

    scripted.finish(7)
    scripted.finish(0)

    assert sorted(result.result(AMPLE_S) for result in results) in ([0, 7], [0, 0])
    assert scripted.count("on_loads") == 2


def test_a_filter_that_makes_no_session_is_passed_through_as_such(scripted: Scripted, creation: int) -> None:
    """Its NULL is the FFI's to see, which then goes on without the filter."""
    wrapper = scripted.wrapped()
    scripted.finish(0)
    assert wrapper.audio_filter_on_load(OPTIONS) == 0

    os.write(creation, b"\x01")

    assert wrapper.audio_filter_create(48000, b"", b"{}") is None


def test_a_token_that_came_too_early_is_given_to_the_filter_when_it_is_ready(scripted: Scripted) -> None:
    """LiveKit renews tokens meanwhile: the newest counts, not the one that the initialisation began with."""
    wrapper = scripted.wrapped(deadline_s=SHORT_S)
    assert wrapper.audio_filter_on_load(OPTIONS) != 0
    for token in (b"second", b"third"):
        wrapper.audio_filter_update_token(b"ws://127.0.0.1:1/", token)
    assert scripted.kept("token") == b""

    scripted.finish(0)

    while wrapper.audio_filter_on_load(OPTIONS) != 0:
        pass
    assert scripted.kept("token") == b"third"
    wrapper.audio_filter_update_token(b"ws://127.0.0.1:1/", b"fourth")
    assert scripted.kept("token") == b"fourth"


def test_every_initialisation_is_logged_with_its_fate_and_without_its_token(
    scripted: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    """The log names the filter, the elapsed time and how it ended, at the deadline and at the true end."""
    wrapper = scripted.wrapped(deadline_s=SHORT_S)
    wrapper.audio_filter_on_load(OPTIONS)
    wrapper.audio_filter_update_token(b"ws://127.0.0.1:1/", b"another-secret-token")
    scripted.finish(0)
    while wrapper.audio_filter_on_load(OPTIONS) != 0:
        pass

    log = capfd.readouterr().err

    assert "ringtime_filters: scripted.so: initialisation not finished after 0.0" in log
    assert log.count("late: the next session may use it") == 1
    assert "adopted after 0." in log
    assert "secret-token" not in log
