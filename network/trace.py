"""What becomes of one call's voice under a profile, packet by packet, by the model alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from network.model import Link
from network.profile import Direction, Profile, Traffic

VOICE_EVERY_S = 0.02
VOICE_BYTES = 200  # 160 of G.711, 12 of RTP, 8 of UDP, 20 of IP


@dataclass(frozen=True, slots=True)
class Passage:
    """One packet: when it was sent, and how long it took; None when it never came."""

    sent_s: float
    delay_s: float | None


def voice(profile: Profile, *, seed: int, for_s: float) -> Mapping[Direction, Sequence[Passage]]:
    """The packets of one G.711 call, both directions, from the start of a run."""
    link = Link(profile, seed=seed)
    return {
        direction: [
            _passage(link.way(direction).release(sent_s, VOICE_BYTES, "voice", Traffic.MEDIA), sent_s)
            for sent_s in (turn * VOICE_EVERY_S for turn in range(round(for_s / VOICE_EVERY_S)))
        ]
        for direction in Direction
    }


def _passage(released: tuple[float, ...], sent_s: float) -> Passage:
    return Passage(sent_s, released[0] - sent_s if released else None)
