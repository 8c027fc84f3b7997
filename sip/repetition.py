"""Messages that are sent again until they are known to have come (RFC 3261 sections 13.3.1.4 and 17)."""

from dataclasses import dataclass
from functools import partial

from sip.message import Packet
from sip.timers import Action, Timer, Timers

T1_S = 0.5
T2_S = 4.0
GIVE_UP_S = 64 * T1_S
"""How long a message is repeated, and how long what is over is remembered."""


@dataclass(slots=True)
class Repetition:
    """A message that is still sent; `give_up` is called where nobody says in time that it has come."""

    packet: Packet
    every_s: float
    until_s: float
    give_up: Action | None
    timer: Timer | None = None

    def stop(self) -> None:
        """It has come."""
        if self.timer is not None:
            self.timer.cancel()


class Repetitions:
    """Puts into `packets` what is sent for the first time, and again after T1, twice that, up to T2."""

    def __init__(self, timers: Timers, packets: list[Packet]) -> None:
        self._timers = timers
        self._packets = packets

    def begin(self, packet: Packet, now_s: float, give_up: Action | None = None) -> Repetition:
        """Send it until it is stopped, for 64 T1 at most."""
        repetition = Repetition(packet, T1_S, now_s + GIVE_UP_S, give_up)
        self._send(repetition, now_s)
        return repetition

    def _send(self, repetition: Repetition, now_s: float) -> None:
        if now_s >= repetition.until_s:
            give_up, repetition.give_up = repetition.give_up, None
            if give_up is not None:
                give_up(now_s)
            return
        self._packets.append(repetition.packet)
        due_s = min(now_s + repetition.every_s, repetition.until_s)
        repetition.timer = self._timers.at(due_s, partial(self._send, repetition))
        repetition.every_s = min(2 * repetition.every_s, T2_S)
