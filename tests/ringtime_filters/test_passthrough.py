"""Audio that waits for its filter sounds as it did, at whatever rate the FFI asks for."""

import ctypes
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ringtime_filters.libraries import FILTERS, OPTIONS, Scripted, compiled

CODEC_HZ = 48000
FRAMES_PER_S = 100
LOUD = 20000

rates_hz = st.sampled_from([8000, 16000, 22050, 24000, 44100, 48000])
samples = st.integers(-32768, 32767)
unhurried = settings(deadline=None)  # other tests may share the machine


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The module by itself."""
    return ctypes.CDLL(
        str(compiled(tmp_path_factory.mktemp("pass") / "passthrough.so", FILTERS / "passthrough.c"))
    )


def passed(library: ctypes.CDLL, frame: Sequence[int], n_out: int, channels: int = 1) -> list[int]:
    """What becomes of a frame; and the float variant must agree to within rounding."""
    out = (ctypes.c_int16 * n_out)()
    size, n = ctypes.c_size_t, len(frame)
    library.pass_int16(size(channels), size(n), (ctypes.c_int16 * n)(*frame), size(n_out), out)
    floats = (ctypes.c_float * n_out)()
    library.pass_float(size(channels), size(n), (ctypes.c_float * n)(*frame), size(n_out), floats)
    assert all(abs(a - b) <= 0.51 for a, b in zip(out, floats, strict=True))
    return list(out)


def tone(hz: float, rate_hz: int) -> list[int]:
    """10 ms of a tone."""
    return [round(LOUD * math.sin(2 * math.pi * hz * i / rate_hz)) for i in range(rate_hz // FRAMES_PER_S)]


def level(frame: Sequence[int]) -> float:
    """Its root mean square, relative to a loud tone's."""
    return math.sqrt(2 * sum(sample * sample for sample in frame) / len(frame)) / LOUD


@unhurried
@given(frame=st.lists(samples, min_size=1, max_size=480))
def test_equal_rates_pass_every_bit(library: ctypes.CDLL, frame: list[int]) -> None:
    """The reference is the audio itself."""
    assert passed(library, frame, len(frame)) == frame


@unhurried
@given(value=samples, in_hz=rates_hz, out_hz=rates_hz)
def test_a_constant_stays_what_it_is(library: ctypes.CDLL, value: int, in_hz: int, out_hz: int) -> None:
    """Neither gain nor edges: a frame's first and last samples are as good as any."""
    out = passed(library, [value] * (in_hz // FRAMES_PER_S), out_hz // FRAMES_PER_S)

    assert out == [value] * (out_hz // FRAMES_PER_S)


@unhurried
@given(frame=st.lists(samples, min_size=1, max_size=60), n_out=st.integers(1, 60))
def test_nothing_gets_louder_than_it_was(library: ctypes.CDLL, frame: list[int], n_out: int) -> None:
    """Between two samples lies no third that is louder: no overflow, no click."""
    out = passed(library, frame, n_out)

    assert min(frame) <= min(out) <= max(out) <= max(frame)


@pytest.mark.parametrize("out_hz", [8000, 16000, 24000, 44100])
def test_speech_keeps_its_level_and_what_would_fold_back_is_dampened(
    library: ctypes.CDLL, out_hz: int
) -> None:
    """In the telephone's band 1 dB is lost at the most; a tone just below the codec's limit loses 10."""
    n_out = out_hz // FRAMES_PER_S

    assert level(passed(library, tone(1000, CODEC_HZ), n_out)) > 10 ** (-1 / 20)
    if out_hz <= CODEC_HZ // 2:
        assert level(passed(library, tone(21000, CODEC_HZ), n_out)) < 10 ** (-10 / 20)


def test_a_higher_rate_is_joined_by_straight_lines(library: ctypes.CDLL) -> None:
    """From a ramp comes a ramp of the same ends."""
    ramp = [100 * i for i in range(80)]

    out = passed(library, ramp, 240)

    assert all(abs(sample - 100 * max(0, (i + 0.5) / 3 - 0.5)) <= 0.5 for i, sample in enumerate(out[:238]))
    assert out[-1] == ramp[-1]


def test_channels_are_not_mixed(library: ctypes.CDLL) -> None:
    """Frames are interleaved."""
    stereo = [value for sample in tone(1000, CODEC_HZ) for value in (sample, 7)]

    out = passed(library, stereo, 480, channels=2)

    assert out[1::2] == [7] * 240
    assert out[::2] == passed(library, tone(1000, CODEC_HZ), 240)


@pytest.mark.parametrize("scripted", ["-DWITH_V2"], indirect=True)
def test_a_waiting_session_passes_stereo_at_the_rate_that_the_ffi_asked_for(scripted: Scripted) -> None:
    """The FFI names the rates but not the channels: its frames of 10 ms tell them."""
    wrapper = scripted.wrapped(mode="background")
    wrapper.audio_filter_on_load(OPTIONS)
    session = wrapper.audio_filter_create_v2(48000, 24000, b"", b"{}")
    out = (ctypes.c_int16 * 480)()

    wrapper.audio_filter_process_int16_v2(session, 960, (ctypes.c_int16 * 960)(*[4, -9] * 480), 480, out)

    assert list(out) == [4, -9] * 240
    wrapper.audio_filter_destroy(session)
