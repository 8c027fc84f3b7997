"""Facts about the reference agent."""

import itertools
import math
from array import array

from lab.agent import tone_frame


def test_the_tone_joins_itself_without_a_click() -> None:
    """A frame holds a whole number of periods: the step from its last sample to its first is as any other."""
    samples = array("h", bytes(tone_frame().data))
    largest_step = max(abs(b - a) for a, b in itertools.pairwise(samples))

    assert abs(samples[0] - samples[-1]) <= largest_step


def test_the_tone_is_loud_enough_to_be_heard_and_quiet_enough_not_to_clip() -> None:
    """Its level is some -15 dB of full scale, far above any threshold of audibility."""
    samples = array("h", bytes(tone_frame().data))
    level_db = 20 * math.log10(math.sqrt(sum(s * s for s in samples) / len(samples)) / 32767)

    assert -18 < level_db < -12


def test_a_frame_is_a_tenth_of_a_second() -> None:
    """Frames of 100 ms cost a fraction of what frames of 20 ms do."""
    frame = tone_frame()

    assert frame.samples_per_channel / frame.sample_rate == 0.1
