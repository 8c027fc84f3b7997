"""When the reference agent speaks, by synthetic sound."""

from array import array

import pytest

from lab.conversation import DEATH, DELAY, FRAME_S, RATE_HZ, Manners, Turns

FRAME = round(FRAME_S * RATE_HZ)
LOUD = array("h", [2000, -2000] * (FRAME // 2))
QUIET = array("h", [3, -3] * (FRAME // 2))


def hear(turns: Turns, frames: list["array[int]"], *, from_s: float = 0.0) -> float:
    """One frame after the other from that moment on; when the last of them ended."""
    at_s = from_s
    for frame in frames:
        at_s += FRAME_S
        turns.hear(frame, at_s)
    return at_s


def test_a_phrase_is_answered_the_delay_after_its_last_sound() -> None:
    """Not after the moment at which it was found to have ended, which is half the delay later."""
    turns = Turns(0.3)
    ended_s = hear(turns, [LOUD] * 50)
    assert turns.answer_at_s is None

    hear(turns, [QUIET] * 8, from_s=ended_s)

    assert turns.phrase_ended_s == pytest.approx(1.0)
    assert turns.answer_at_s == pytest.approx(1.3)


def test_a_caller_who_goes_on_is_not_interrupted() -> None:
    """The answer is to the end of what was said."""
    turns = Turns(0.3)
    at_s = hear(turns, [*[LOUD] * 10, *[QUIET] * 10, *[LOUD] * 10])
    assert turns.answer_at_s is None

    hear(turns, [QUIET] * 10, from_s=at_s)

    assert turns.answer_at_s == pytest.approx(0.6 + 0.3)


def test_the_gaps_between_syllables_are_no_end() -> None:
    """They are shorter than half the delay."""
    turns = Turns(0.3)
    hear(turns, [*[LOUD] * 5, *[QUIET] * 5] * 10 + [LOUD] * 5)

    assert turns.phrase_ended_s is None


@pytest.mark.parametrize("sound", [[QUIET] * 100, [QUIET, LOUD, LOUD, QUIET] * 10 + [QUIET] * 50])
def test_noise_and_clicks_are_not_answered(sound: list["array[int]"]) -> None:
    """A phrase is three frames in a row at the least."""
    turns = Turns(0.3)
    hear(turns, sound)

    assert turns.answer_at_s is None


def test_sound_that_comes_in_larger_pieces_has_its_frames_where_they_were() -> None:
    """A piece is known by its end; what is shorter than a frame is passed over."""
    turns = Turns(0.2)
    turns.hear(LOUD * 5 + QUIET * 6 + array("h", [0] * 7), 10.0 + 7 / RATE_HZ)

    assert turns.answer_at_s == pytest.approx(10.0 - 6 * FRAME_S + 0.2)


def test_each_phrase_is_answered_once() -> None:
    """Until the next one."""
    turns = Turns(0.3)
    at_s = hear(turns, [*[LOUD] * 10, *[QUIET] * 10])
    turns.answered()
    at_s = hear(turns, [QUIET] * 100, from_s=at_s)
    assert turns.answer_at_s is None

    hear(turns, [*[LOUD] * 10, *[QUIET] * 10], from_s=at_s)

    assert turns.answer_at_s == pytest.approx(at_s + 0.2 + 0.3)


def test_the_environment_says_how_it_behaves() -> None:
    """By default it answers after 0.3 s and lives."""
    assert Manners.of({}) == Manners(0.3, None)
    assert Manners.of({DELAY: "1.5", DEATH: "4"}) == Manners(1.5, 4.0)


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "0.01", "1e9"])
def test_what_cannot_be_is_refused_in_one_sentence(value: str) -> None:
    """With the variable, its value and what would do."""
    with pytest.raises(ValueError, match=f"{DELAY} cannot be '{value}': a number of seconds from 0.1 to"):
        Manners.of({DELAY: value})
