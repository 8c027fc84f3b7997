"""The 20 ms clock that the audio of all calls keeps."""

import asyncio
from collections.abc import Callable

BEAT_S = 0.02

_LATEST_S = 0.2  # a clock held up for longer does not make up for it


class Pulse:
    """Calls everything that beats every 20 ms, one after the other.

    A trunk wakes up for its media 50 times a second, however many calls it has and whatever they receive: the
    packets that arrive in between wait in their sockets. Waking up for each of them cost a quarter more.
    """

    def __init__(self) -> None:
        self._beating: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, beat: Callable[[], None]) -> None:
        """Call `beat` from the next beat on."""
        self._beating.append(beat)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            due_s = loop.time() + BEAT_S
            self._timer = loop.call_at(due_s, self._beat, due_s)

    def remove(self, beat: Callable[[], None]) -> None:
        """No longer call `beat`, if it was called at all; the clock stands still when nothing is left."""
        if beat in self._beating:
            self._beating.remove(beat)

    def _beat(self, due_s: float) -> None:
        if not self._beating:
            self._timer = None
            return
        loop = asyncio.get_running_loop()
        next_s = max(due_s + BEAT_S, loop.time() - _LATEST_S)
        self._timer = loop.call_at(next_s, self._beat, next_s)
        for beat in tuple(self._beating):
            beat()
