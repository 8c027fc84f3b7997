"""The answering side's ears: ports of an RTP pump, open before a call needs them, that speak and hear."""

import logging
import select
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sip import pump_words
from sip.errors import PhoneError
from sip.media import Pump, Speech
from sip.sdp import FarMedia
from sip.seat import Seat
from sip.voice import write_voice
from sip.wav import Wav

_READY_AT_FIRST = 64  # the calls that one instant may bring
_READY_AT_MOST = 1024
_REPORTS_WITHIN_S = 2.0
_STARTS_WITHIN_S = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Speaking:
    """What callers hear: a voice in a loop, one's own or the built-in one, or what they say themselves."""

    speech: Speech
    voice: Wav | None = None


@dataclass(slots=True)
class Heard:
    """Packets of all calls that are over; `unheard` calls had no ear, or one that died with its pump."""

    calls: int = 0
    unheard: int = 0
    sent: int = 0
    received: int = 0
    lost: int = 0


class Ears:
    """The ears of one pump, which speaks from each call's answer to its end; a block in which it runs.

    Another pump takes the place of one that died, whose calls go on without a voice, as do those that find
    no ear ready: they are sent to `otherwise`, where nobody hears them.

    Raises:
        PhoneError: The pump does not start, or another one cannot take its place.
    """

    def __init__(self, host: str, speaking: Speaking, otherwise: Seat) -> None:
        self.heard = Heard()
        self._host = host
        self._otherwise = otherwise
        self._folder = tempfile.TemporaryDirectory(prefix="ringtime-answer-")
        folder = Path(self._folder.name)
        write_voice(folder / "voice.wav", speaking.voice)
        self._said = folder / "pump.log"
        self._pump = Pump(log=self._said, voice=folder / "voice.wav", speech=speaking.speech)
        self._ready: deque[Seat] = deque()
        self._opening: set[int] = set()
        self._up: set[int] = set()
        self._opened = 0
        self._wanted = _READY_AT_FIRST
        self._lives = False  # has said a word
        self._refused = False

    def __enter__(self) -> Self:
        try:
            self._begin()
            until_s = time.monotonic() + _STARTS_WITHIN_S
            while self._opening and time.monotonic() < until_s:
                select.select([self._pump], [], [], _STARTS_WITHIN_S)
                self.read()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for ear in self._up:
            self._pump.stop(ear)
        until_s = time.monotonic() + _REPORTS_WITHIN_S
        while self._up and time.monotonic() < until_s:
            select.select([self._pump], [], [], _REPORTS_WITHIN_S)
            if not self._take_in():
                break
        self._pump.close()
        self._folder.cleanup()

    def fileno(self) -> int:
        """Readable when `read` has something to do; another one after that has said so."""
        return self._pump.fileno()

    def take(self) -> Seat:
        """An ear of its own for each call."""
        if not self._ready:
            self._take_in()
        if self._ready:
            seat = self._ready.popleft()
        else:
            seat = self._otherwise
            self.heard.unheard += 1
            self._wanted = min(2 * self._wanted, _READY_AT_MOST)
        if seat.ear is not None:
            self._up.add(seat.ear)
        self._have_ready()
        return seat

    def speak(self, seat: Seat, far: FarMedia, *, answered_s: float) -> None:
        """Speak to the far end, and hear it."""
        if seat.ear in self._up:
            self._pump.start(seat.ear, far, answered_s=answered_s)

    def give_back(self, seat: Seat) -> None:
        """Fall silent."""
        if seat.ear in self._up:
            self._pump.stop(seat.ear)

    def read(self) -> bool:
        """Take in what the pump has said; whether it is another one from now on.

        Raises:
            PhoneError: It died, and no other one starts.
        """
        if self._take_in():
            return False
        if not self._lives:
            raise PhoneError(f"the RTP pump does not start{self._last_words()}")
        _log.warning(
            "the RTP pump died; calls that go on without a voice: %d%s", len(self._up), self._last_words()
        )
        self.heard.unheard += len(self._up)
        for gone in (self._ready, self._opening, self._up):
            gone.clear()
        self._begin()
        return True

    def _begin(self) -> None:
        self._lives = False
        self._pump.open()
        self._have_ready()

    def _have_ready(self) -> None:
        while len(self._ready) + len(self._opening) < self._wanted:
            self._opened += 1
            self._opening.add(self._opened)
            self._pump.open_ear(self._opened, self._host)

    def _take_in(self) -> bool:
        """False once the pump is gone."""
        messages = self._pump.messages()
        self._lives |= bool(messages)
        for message in messages or ():
            match message:
                case pump_words.Opened(ear=ear, port=port, rtcp_port=rtcp_port) if ear in self._opening:
                    self._opening.discard(ear)
                    self._ready.append(Seat(ear, port, rtcp_port))
                case pump_words.Refused(ear=ear, why=why):  # tried again with the next call
                    self._opening.discard(ear)
                    if not self._refused:
                        _log.warning("calls go on without a voice, there is no port for it: %s", why)
                    self._refused = True
                case pump_words.Report(ear=ear, rtp=rtp) if ear in self._up:
                    self._up.discard(ear)
                    self.heard.calls += 1
                    self.heard.sent += rtp.sent
                    self.heard.received += rtp.received
                    self.heard.lost += rtp.lost
        return messages is not None

    def _last_words(self) -> str:
        words = self._said.read_text(errors="replace").strip().splitlines()
        return f": {words[-1]}" if words else ""
