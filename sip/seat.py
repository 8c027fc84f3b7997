"""Where an answered call's voice is heard and who speaks there: the answering side's border to RTP."""

from typing import NamedTuple, Protocol

from sip.sdp import FarMedia


class Seat(NamedTuple):
    """The ports that one call's SDP names; `ear` is None where nobody hears what comes there."""

    ear: int | None
    port: int
    rtcp_port: int


class Voices(Protocol):
    """Seats for calls; nothing of it waits."""

    def take(self) -> Seat:
        """One for a call that is answered now."""

    def speak(self, seat: Seat, far: FarMedia, *, answered_s: float) -> None:
        """The far end is there, or has moved there."""

    def give_back(self, seat: Seat) -> None:
        """The call is over."""


class OneSeat:
    """One port for all calls, where nobody speaks or hears."""

    def __init__(self, port: int) -> None:
        self._seat = Seat(None, port, port)

    def take(self) -> Seat:
        """The same for all."""
        return self._seat

    def speak(self, seat: Seat, far: FarMedia, *, answered_s: float) -> None:
        """Nobody does."""

    def give_back(self, seat: Seat) -> None:
        """There is nothing to end."""
