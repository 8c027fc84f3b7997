"""Sound made fit for a telephone line: what the line carries stays, what it cannot carry is gone."""

import array
import math

import pytest

from sip.resampling import resampled

RATES_HZ = [11_025, 16_000, 22_050, 44_100, 48_000, 96_000]


def tone(hz: float, rate_hz: int, length_s: float = 0.25) -> "array.array[float]":
    """A sine of height 10,000."""
    step = 2 * math.pi * hz / rate_hz
    return array.array("d", [10_000 * math.sin(step * n) for n in range(round(length_s * rate_hz))])


def height(samples: "array.array[float]") -> float:
    """Of the sine that is in the middle of it, clear of where it begins and ends."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return math.sqrt(2 * sum(value * value for value in middle) / len(middle))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("hz", [200, 1000, 3200])
def test_speech_keeps_its_height_and_its_place(hz: int, rate_hz: int) -> None:
    """It is the same sine at the new rate, within a hundredth, and as long."""
    made, wanted = resampled(tone(hz, rate_hz), rate_hz, 8000), tone(hz, 8000)

    assert abs(len(made) - len(wanted)) <= 1
    apart = [abs(one - other) for one, other in zip(made, wanted, strict=False)]
    assert max(apart[500:-500]) < 100


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_what_the_line_cannot_carry_does_not_fold_back(rate_hz: int) -> None:
    """A tone above the band would be heard as another: it is 55 dB lower at the least."""
    made = resampled(tone(5000, rate_hz), rate_hz, 8000)

    assert height(made) < 10_000 * 10 ** (-55 / 20)


def test_sound_at_the_lines_own_rate_is_left_alone() -> None:
    """To the last sample."""
    sound = tone(440, 8000)

    assert resampled(sound, 8000, 8000) == sound


def test_an_odd_rate_is_no_trouble() -> None:
    """One without a common measure, so that no two new samples lie alike between the old ones."""
    made = resampled(tone(1000, 8001), 8001, 8000)

    assert height(made) == pytest.approx(10_000, rel=0.01)
