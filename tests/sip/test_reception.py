"""What the pump makes of streams and of sounds, to the last digit: its C, fed with times of our choosing."""

import array
import itertools
import math
import random
import statistics
import subprocess
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
MS = 1_000_000
FRAME = 160  # timestamp units of 20 ms
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def figures() -> Path:
    """The program that has the pump's reception and hearing in it, and nothing else."""
    subprocess.run(["make", "-s", "build/figures"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607
    return ROOT / "build" / "figures"


class Packet(NamedTuple):
    """One of a stream of 20 ms each, and when it came."""

    number: int
    at_ms: float
    ssrc: int = 7


class Figures(NamedTuple):
    """What reception says of a stream; the jitter in timestamp units."""

    received: int
    lost: int
    reordered: int
    duplicates: int
    jitter: float
    late: int
    burst_ratio: float
    gap_ns: int


def reception(figures: Path, packets: Iterable[Packet], *, begin: int = 0) -> Figures:
    """Its figures, of a stream whose sequence numbers begin there."""
    lines = [
        f"{(begin + each.number) % 65_536} {each.number * FRAME % 2**32} {each.ssrc} {round(each.at_ms * MS)}"
        for each in packets
    ]
    done = subprocess.run([figures], input="\n".join(lines), capture_output=True, text=True, check=True)
    received, lost, reordered, duplicates, jitter, late, burst_ratio, gap_ns = done.stdout.split()
    return Figures(
        int(received),
        int(lost),
        int(reordered),
        int(duplicates),
        float(jitter),
        int(late),
        float(burst_ratio),
        int(gap_ns),
    )


def jitter_of(packets: Sequence[Packet]) -> float:
    """Appendix A.8 of RFC 3550, as it is written there."""
    jitter = 0.0
    transits = [each.at_ms * 8 - each.number * FRAME for each in packets]
    for before, after in itertools.pairwise(transits):
        jitter += (abs(after - before) - jitter) / 16
    return jitter


def test_jitter_is_that_of_the_rfc_by_hand(figures: Path) -> None:
    """Three packets, the second 10 ms late: |D| is 80 units twice, so J is 5, then 9.6875."""
    found = reception(figures, [Packet(0, 1000), Packet(1, 1030), Packet(2, 1040)])

    assert found.jitter == pytest.approx(80 / 16 + (80 - 5) / 16)
    assert found.gap_ns == 30 * MS


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 55), min_size=2, max_size=100), st.sampled_from([0, 65_500]))
def test_jitter_of_any_stream_is_that_of_the_rfc(figures: Path, delays: list[int], begin: int) -> None:
    """However each of its packets was delayed."""
    packets = [Packet(number, 5000 + 20 * number + delay) for number, delay in enumerate(delays)]

    assert reception(figures, packets, begin=begin).jitter == pytest.approx(jitter_of(packets), rel=1e-6)


def test_packets_that_a_buffer_of_60_ms_would_have_discarded_are_late(figures: Path) -> None:
    """By more than 60 ms behind the fastest so far; a timestamp that wraps is no delay."""
    delays = [0, 59, 61, 0, 200, 60, 3]
    packets = [Packet(number, 5000 + 20 * number + delay) for number, delay in enumerate(delays)]
    wraps = [Packet(2**32 // FRAME - 3 + number, 5000 + 20 * number) for number in range(8)]

    assert reception(figures, packets).late == 2
    assert (reception(figures, wraps).late, reception(figures, wraps).jitter) == (0, pytest.approx(0, abs=64))


def test_a_way_that_becomes_longer_for_good_is_followed_by_a_clock_s_drift_alone(figures: Path) -> None:
    """A buffer that does not adapt loses all that comes after; so do we count it."""
    packets = [Packet(number, 5000 + 20 * number + (100 if number >= 50 else 0)) for number in range(100)]

    assert reception(figures, packets).late == 50


@pytest.mark.parametrize(
    ("gone", "ratio"),
    [
        ([10, 30, 50, 70], 1 * (1 - 0.04)),
        ([10, 11, 12, 13], 4 * (1 - 0.04)),
        ([10, 11, 40, 41], 2 * (1 - 0.04)),
        ([], math.nan),
    ],
)
def test_the_burst_ratio_is_that_of_g107(figures: Path, gone: list[int], ratio: float) -> None:
    """The mean run of packets that are gone against that of independent losses of the same share."""
    found = reception(figures, [Packet(n, 5000 + 20 * n) for n in range(100) if n not in gone])

    assert found.lost == len(gone)
    assert found.burst_ratio == pytest.approx(ratio, nan_ok=True)


def test_independent_losses_have_a_burst_ratio_near_one(figures: Path) -> None:
    """Whatever their share is."""
    draw = random.Random(5)
    for share in (0.02, 0.1, 0.3):
        packets = [Packet(n, 5000 + 20 * n) for n in range(20_000) if draw.random() >= share]
        assert reception(figures, packets).burst_ratio == pytest.approx(1, abs=0.1)


def test_both_laws_are_the_standard_s(figures: Path) -> None:
    """Each code is the sample that the library of Python has for it, and the code of that sample."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop
    codes = bytes(range(256))
    known = [
        *memoryview(audioop.ulaw2lin(codes, 2)).cast("h"),
        *memoryview(audioop.alaw2lin(codes, 2)).cast("h"),
    ]
    done = subprocess.run([figures, "laws"], capture_output=True, text=True, check=True)
    found = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]

    assert [sample for sample, _ in found] == known
    again = [code for _, code in found]
    again[0x7F] = 0x7F  # the other zero of mu-law
    assert again == [*range(256), *range(256)]


class Heard(NamedTuple):
    """When sounds began, in ms, how much of them was audible, and how much of that clipped."""

    onsets_ms: list[int]
    audible_s: float
    clipped_frames: int


def hearing(figures: Path, samples: Iterable[float]) -> Heard:
    """What is heard of samples of 8 kHz."""
    data = array.array("h", [max(-32_768, min(round(value), 32_767)) for value in samples]).tobytes()
    done = subprocess.run([figures, "sound"], input=data, capture_output=True, check=True)
    onsets, rest = done.stdout.decode().split("\n")[:2]
    audible_s, clipped = rest.split()
    return Heard([int(each) for each in onsets.split()], float(audible_s), int(clipped))


def tone(ms: float, amplitude: float, hz: float = 440) -> list[float]:
    """A tone for so long."""
    return [amplitude * math.sin(2 * math.pi * hz * n / 8000) for n in range(round(8 * ms))]


def noise(ms: float, amplitude: float, seed: int = 1) -> list[float]:
    """Gaussian noise of that standard deviation."""
    draw = random.Random(seed)
    return [draw.gauss(0, amplitude) for _ in range(round(8 * ms))]


@pytest.mark.parametrize("quiet", [0, 20, 100, 300])
@pytest.mark.parametrize("begins_ms", [500, 507, 513, 2000])
def test_a_sound_begins_within_20_ms_of_its_begin_whatever_the_noise(
    figures: Path, quiet: float, begins_ms: int
) -> None:
    """From a silent line to noise of -40 dBFS under a voice 20 dB above that."""
    voice = [
        a + b
        for a, b in zip(noise(begins_ms + 400, quiet), [0.0] * 8 * begins_ms + tone(400, 6000), strict=True)
    ]

    (onset_ms,) = hearing(figures, voice + noise(400, quiet, seed=2)).onsets_ms

    assert abs(onset_ms - begins_ms) <= 20


def test_syllables_are_one_sound_and_sentences_are_several(figures: Path) -> None:
    """A gap of 50 ms is within a sound; after one of 200 ms another one begins."""
    syllables = [*tone(120, 8000), *[0.0] * 400, *tone(120, 8000)]
    found = hearing(figures, [*[0.0] * 1600, *syllables, *[0.0] * 1600, *syllables, *[0.0] * 800])

    assert found.onsets_ms == [200, 690]
    assert found.audible_s == pytest.approx(0.48, abs=0.021)


@pytest.mark.parametrize("sound", [[], tone(20, 20_000), noise(3000, 150), tone(3000, 200)])
def test_what_nobody_would_call_a_sound_is_none(figures: Path, sound: list[float]) -> None:
    """Silence, a click of 20 ms, the noise of the line, a faint hum."""
    assert hearing(figures, [*[0.0] * 800, *sound, *[0.0] * 800]).onsets_ms == []


def test_a_steady_tone_is_one_sound_to_its_end(figures: Path) -> None:
    """It does not become the noise, however long it lasts; what is clipped of it is told."""
    found = hearing(figures, tone(30_000, 5000))
    clipped = hearing(figures, tone(1000, 60_000))

    assert (found.onsets_ms, found.audible_s, found.clipped_frames) == ([0], 30.0, 0)
    assert clipped.clipped_frames == 100


def test_onsets_of_speech_like_sounds_have_no_bias(figures: Path) -> None:
    """Of 40 begins at random moments the mean error is below a frame of 10 ms."""
    draw = random.Random(3)
    errors = []
    for _ in range(40):
        begins_ms = draw.randrange(300, 900)
        rise = [n / 240 for n in range(240)]  # a voice swells within 30 ms
        voice = [
            v * (rise[n] if n < len(rise) else 1)
            for n, v in enumerate(tone(300, 8000, draw.uniform(150, 900)))
        ]
        (onset_ms,) = hearing(figures, [*noise(begins_ms, 30), *voice, *[0.0] * 160]).onsets_ms
        errors.append(onset_ms - begins_ms)

    assert max(abs(error) for error in errors) <= 20
    assert abs(statistics.mean(errors)) <= 10
