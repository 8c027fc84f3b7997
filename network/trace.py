"""What becomes of one call's voice under a profile, packet by packet, by the model alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from network.model import Link
from network.packet import UDP
from network.profile import Direction, Profile, Traffic

VOICE_EVERY_S = 0.02
_FLOW = bytes(12)  # the call's, both ways: no addresses, no ports
VOICE_BYTES = 200  # 160 of G.711, 12 of RTP, 8 of UDP, 20 of IP


@dataclass(frozen=True, slots=True)
class Passage:
    """One packet: when it was sent, and how long it took; None when it never came."""

    sent_s: float
    delay_s: float | None


def voice(profile: Profile, *, seed: int, for_s: float) -> Mapping[Direction, Sequence[Passage]]:
    """The packets of one G.711 call, both directions, from the start of a run."""
    link, found = Link(profile, seed=seed), {direction: list[Passage]() for direction in Direction}
    for turn in range(round(for_s / VOICE_EVERY_S)):
        sent_s = turn * VOICE_EVERY_S
        for direction, passages in found.items():
            released = link.release(direction, sent_s, VOICE_BYTES, (UDP, _FLOW), Traffic.MEDIA)
            passages.append(_passage(released, sent_s))
    return found


def _passage(released: tuple[float, ...], sent_s: float) -> Passage:
    return Passage(sent_s, released[0] - sent_s if released else None)
