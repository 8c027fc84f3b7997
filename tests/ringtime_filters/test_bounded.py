"""The wrapper bounds a filter's initialisation and is otherwise the filter."""

import ctypes
import time
from pathlib import Path

import pytest

import ringtime_filters
from tests.ringtime_filters.libraries import OPTIONS, REFERENCE, Scripted, in_thread, load

AMPLE_S = 60.0
SHORT_S = 0.05


def test_an_initialisation_in_time_enables_the_filter(scripted: Scripted) -> None:
    """The wrapper reports the filter's success, and the audio then goes through the filter."""
    wrapper = scripted.wrapped(deadline_s=AMPLE_S)
    loading = in_thread(wrapper.audio_filter_on_load, OPTIONS)

    scripted.finish(0)

    assert loading.result(AMPLE_S) == 0
    session = wrapper.audio_filter_create(48000, b"", b"{}")
    heard = (ctypes.c_int16 * 3)()
    wrapper.audio_filter_process_int16(session, 3, (ctypes.c_int16 * 3)(1, -2, 300), heard)
    wrapper.audio_filter_destroy(session)
    assert list(heard) == [-1, 2, -300]


def test_a_failed_initialisation_gives_the_filter_s_own_code(scripted: Scripted) -> None:
    """A failure is passed through as it is, and no session can be made."""
    wrapper = scripted.wrapped(deadline_s=AMPLE_S)
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
    assert scripted.on_loads == 1
    scripted.finish(0)


def test_a_session_that_waited_for_another_s_failure_tries_for_itself(scripted: Scripted) -> None:
    """Another room's refusal, by its token perhaps, is not this room's."""
    wrapper = scripted.wrapped(deadline_s=AMPLE_S)
    results = [in_thread(wrapper.audio_filter_on_load, OPTIONS) for _ in range(2)]

    scripted.finish(7)
    scripted.finish(0)

    assert sorted(result.result(AMPLE_S) for result in results) in ([0, 7], [0, 0])
    assert scripted.on_loads == 2


def test_every_initialisation_is_logged_with_its_fate_and_without_its_token(
    scripted: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    """The log names the filter, the elapsed time and how it ended, at the deadline and at the true end."""
    wrapper = scripted.wrapped(deadline_s=SHORT_S)
    wrapper.audio_filter_on_load(OPTIONS)
    scripted.finish(0)
    while wrapper.audio_filter_on_load(OPTIONS) != 0:
        pass

    log = capfd.readouterr().err

    assert "scripted.so: initialisation not finished after 0.0" in log
    assert "late: the next session may use it" in log
    assert "a-secret-token" not in log


@pytest.mark.parametrize(
    ("scripted", "converts"), [("-DV1_ONLY", False), ("-DWITH_V2", True)], indirect=["scripted"]
)
def test_the_wrapper_converts_sample_rates_exactly_where_the_filter_does(
    scripted: Scripted, converts: bool
) -> None:
    """The FFI goes by the presence of the optional functions, so they are there only with the filter's."""
    wrapper = scripted.wrapped(deadline_s=AMPLE_S)

    assert hasattr(wrapper, "audio_filter_create_v2") is converts


@pytest.mark.parametrize("deadline_s", [0, -1, float("nan"), float("inf")])
def test_a_deadline_that_is_none_is_refused(deadline_s: float) -> None:
    """A wrapper without a deadline would be the defect again."""
    with pytest.raises(ringtime_filters.FilterError, match="above 0"):
        ringtime_filters.wrap(REFERENCE, deadline_s=deadline_s)


def test_a_path_that_is_no_filter_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Missing, no library, a library that is something else: each says which."""
    text = tmp_path / "text.so"
    text.write_text("not a library")

    for path, reason in [(tmp_path / "none.so", "no audio filter at"), (text, "no shared library")]:
        with pytest.raises(ringtime_filters.FilterError, match=reason):
            ringtime_filters.wrap(path, deadline_s=1)
    with pytest.raises(ringtime_filters.FilterError, match="audio_filter_on_load"):
        ringtime_filters.wrap(_libc(), deadline_s=1)


def test_a_wrapper_without_a_filter_says_so_and_reports_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Loaded by environment alone and told nothing, it names the variable and lets the call go on."""
    monkeypatch.delenv("RINGTIME_FILTER", raising=False)
    copy = tmp_path / "bounded-alone.so"
    copy.write_bytes((REFERENCE.parent / "bounded.so").read_bytes())

    wrapper = load(copy)

    assert wrapper.audio_filter_on_load(OPTIONS) != 0
    assert wrapper.audio_filter_create(48000, b"", b"{}") is None
    assert "RINGTIME_FILTER" in capfd.readouterr().err


def _libc() -> Path:
    maps = Path("/proc/self/maps").read_text().splitlines()
    return next(Path(line.split()[-1]) for line in maps if "/libc.so" in line)
