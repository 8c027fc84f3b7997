"""When the reference agent speaks: it listens for the end of a phrase and answers after a set delay."""

import os
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

DELAY = "RINGTIME_RESPONSE_DELAY_S"
DEATH = "RINGTIME_GOES_SILENT_AFTER_S"
RATE_HZ = 8000  # what comes from a telephone
FRAME_S = 0.02
_SHORTEST_DELAY_S = 0.1  # to hear that a phrase has ended takes time
_AUDIBLE = 256  # mean magnitude: -42 dBFS
_CERTAIN = 3  # frames in a row: a click is no phrase


@dataclass(frozen=True, slots=True)
class Manners:
    """How long after a phrase it answers, and how long after the call's answer it dies, if it does."""

    delay_s: float = 0.3
    dies_after_s: float | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """As the environment has it; raises ValueError for what cannot be, in one sentence."""
        delay_s = _seconds(environment, DELAY, _SHORTEST_DELAY_S)
        dies_after_s = _seconds(environment, DEATH, 0.0)
        return cls(0.3 if delay_s is None else delay_s, dies_after_s)


def _seconds(environment: Mapping[str, str], name: str, least: float) -> float | None:
    given = environment.get(name, "")
    try:
        value = float(given) if given else None
    except ValueError:
        value = -1.0
    if value is not None and not least <= value <= 3600:
        raise ValueError(f"{name} cannot be {given!r}: a number of seconds from {least:g} to 3600 would do")
    return value


class Turns:
    """Give it the caller's sound as it comes; `answer_at_s` is when to speak next, None for not at all.

    A phrase has ended once half the delay has passed without a sound. A caller who goes on before the answer
    is not interrupted.
    """

    def __init__(self, delay_s: float) -> None:
        self.answer_at_s: float | None = None
        self.phrase_ended_s: float | None = None
        self._delay_s = delay_s
        self._loud = 0  # frames in a row
        self._last_loud_s = 0.0
        self._speaking = False

    def hear(self, samples: "array[int]", ended_s: float) -> None:
        """The caller's next samples, at `RATE_HZ`, the last of which came at `ended_s`."""
        frame = round(FRAME_S * RATE_HZ)
        for start in range(0, len(samples) - frame + 1, frame):
            level = sum(map(abs, samples[start : start + frame])) / frame
            self._hear_frame(level, ended_s - (len(samples) - start - frame) / RATE_HZ)

    def answered(self) -> None:
        """It speaks now."""
        self.answer_at_s = None

    def _hear_frame(self, level: float, ended_s: float) -> None:
        if level >= _AUDIBLE:
            self._loud += 1
            self._last_loud_s = ended_s
            if self._loud >= _CERTAIN:
                self._speaking, self.answer_at_s = True, None
            return
        self._loud = 0
        if self._speaking and ended_s - self._last_loud_s >= self._delay_s / 2:
            self._speaking = False
            self.phrase_ended_s = self._last_loud_s
            self.answer_at_s = self._last_loud_s + self._delay_s
