"""What a phone says of a call's sound: its packets, and what the caller heard."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RtpStats:
    """Packets of one call as the caller counted them (RFC 3550); the MOS is left to the analysis."""

    sent: int
    received: int
    lost: int
    reordered: int
    duplicates: int
    jitter_ms: float | None
    rtt_ms: float | None
    mos: float | None = None

    def then(self, later: "RtpStats") -> "RtpStats":
        """Those of one call in two streams, one after the other."""
        return RtpStats(
            sent=self.sent + later.sent,
            received=self.received + later.received,
            lost=self.lost + later.lost,
            reordered=self.reordered + later.reordered,
            duplicates=self.duplicates + later.duplicates,
            jitter_ms=self.jitter_ms if later.jitter_ms is None else later.jitter_ms,
            rtt_ms=self.rtt_ms if later.rtt_ms is None else later.rtt_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the caller heard of one answered call, and how they got on with each other."""

    late: int
    """Packets that a jitter buffer of 60 ms would have discarded."""
    burst_ratio: float | None
    """BurstR of G.107, over the lost and the late packets; None where there were none."""
    gap_s: float | None
    """The longest time between two packets; None where there were not two."""
    audible_s: float
    """How much audible sound came after the answer."""
    last_audible_s: float | None
    """When the last of it came: CLOCK_MONOTONIC from the phone, from the file's start in the record."""
    clipped_share: float | None
    """Of the audible frames; None where there were none."""
    phrases: int
    """Those that the caller has said to their end."""
    unanswered: int
    """Those of them after which ten seconds passed without a sound of the far end."""
    waiting_s: float | None
    """For how long the caller had listened for an answer as the call ended, None where it owed him none.

    Over all phrases since the far end's last sound, the phrases themselves not counted.
    """
    talk_over_s: float
    """How long both were audible at once."""
    strangers: int
    """Packets from elsewhere than the session description allows: counted, not heard."""
    far_end_lost: int | None
    """Packets of ours that the far end says it lost (RTCP); None where it said nothing."""
