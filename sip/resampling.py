"""Sound at one sampling rate made into sound at a lower one, through a low-pass (a windowed sinc)."""

import array
import math
from functools import cache
from operator import mul

_TRANSITION_HZ = 1200.0  # from 3.4 kHz, which a telephone line carries, to what folds back above it
_CUTOFF_SHARE = 0.5  # of the new rate, in the middle of the transition
_STOPPED_DB = 60.0
_BETA = 0.1102 * (_STOPPED_DB - 8.7)  # Kaiser's window for that (Oppenheim and Schafer, 7.5.3)


def resampled(samples: "array.array[float]", rate_hz: int, to_hz: int) -> "array.array[float]":
    """The same sound at `to_hz`, no higher than `rate_hz`; what the lower rate cannot carry is left out.

    Each new sample is the sum of the old ones around its moment under the filter's response, which depends
    on where between two old ones it lies: of that there are few cases, each worked out once.
    """
    if rate_hz == to_hz:
        return samples
    common = math.gcd(rate_hz, to_hz)
    phases, stride = to_hz // common, rate_hz // common
    # Half the length that Kaiser's formula asks for.
    half = math.ceil((_STOPPED_DB - 8) / (2.285 * 2 * math.pi * _TRANSITION_HZ / rate_hz) / 2)
    cutoff = _CUTOFF_SHARE * to_hz / rate_hz

    @cache
    def response(phase: int) -> "array.array[float]":
        taps = [_tap(place - phase / phases, half, cutoff) for place in range(1 - half, half + 1)]
        total = sum(taps)
        return array.array("d", [tap / total for tap in taps])

    silence = array.array("d", bytes(8 * half))
    padded = silence + samples + silence
    made = array.array("d")
    for index in range(len(samples) * phases // stride):
        begin, phase = divmod(index * stride, phases)
        made.append(sum(map(mul, response(phase), padded[begin + 1 : begin + 1 + 2 * half])))
    return made


def _tap(at: float, half: int, cutoff: float) -> float:
    """The response at so many samples from its middle, which is as high as wide; `cutoff` is of the rate."""
    if abs(at) >= half:
        return 0.0
    turn = 2 * math.pi * cutoff * at
    sinc = math.sin(turn) / turn if turn else 1.0
    return sinc * _bessel(_BETA * math.sqrt(1 - (at / half) ** 2))


def _bessel(x: float) -> float:
    """The modified Bessel function of the first kind and order zero, by its power series."""
    term = total = 1.0
    for k in range(1, 30):
        term *= (x / (2 * k)) ** 2
        total += term
    return total
