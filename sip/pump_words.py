"""What the RTP pump says, a line of text each."""

from collections.abc import Callable

import msgspec

from sip.heard import Heard, RtpStats

_NS = 1_000_000_000


class Opened(msgspec.Struct, frozen=True):
    """The ear hears at these ports of its address."""

    ear: int
    port: int
    rtcp_port: int


class Refused(msgspec.Struct, frozen=True):
    """There is no such ear: no port is free, no descriptor."""

    ear: int
    why: str


class FirstPacket(msgspec.Struct, frozen=True):
    """The first packet after the answer came at `at_s`."""

    ear: int
    at_s: float


class FirstAudio(msgspec.Struct, frozen=True):
    """The first audible sound after the answer began at `at_s`."""

    ear: int
    at_s: float


class Response(msgspec.Struct, frozen=True):
    """At `at_s` the far end began to answer the caller's phrase, so long after its end."""

    ear: int
    at_s: float
    latency_s: float


class Report(msgspec.Struct, frozen=True):
    """All that was heard, once the ear was stopped."""

    ear: int
    rtp: RtpStats
    heard: Heard


class Pulse(msgspec.Struct, frozen=True):
    """The pump lives, and its loop has been so late since the last pulse, at the most."""

    lag_s: float


Hearing = FirstPacket | FirstAudio | Response | Report
Message = Opened | Refused | Pulse | Hearing


def read(line: str) -> Message:
    """A line of the pump's."""
    word, *values = line.split(" ")
    return _READ[word](values)


def _seconds(ns: str) -> float:
    return int(ns) / _NS


def _known(value: str) -> float | None:
    return None if value == "-" else float(value)


def _report(values: list[str]) -> Report:
    ear, sent, received, lost, reordered, duplicates, jitter_ms, rtt_ms, *more = values
    late, burst_ratio, gap_s, audible_s, last_ns, clipped, phrases, unanswered, waiting_s, *rest = more
    talk_over_s, strangers, far_end_lost = rest
    rtp = RtpStats(
        int(sent),
        int(received),
        int(lost),
        int(reordered),
        int(duplicates),
        _known(jitter_ms),
        _known(rtt_ms),
    )
    heard = Heard(
        late=int(late),
        burst_ratio=_known(burst_ratio),
        gap_s=_known(gap_s),
        audible_s=float(audible_s),
        last_audible_s=_seconds(last_ns) or None,
        clipped_share=_known(clipped),
        phrases=int(phrases),
        unanswered=int(unanswered),
        waiting_s=_known(waiting_s),
        talk_over_s=float(talk_over_s),
        strangers=int(strangers),
        far_end_lost=None if far_end_lost == "-" else int(float(far_end_lost)),
    )
    return Report(int(ear), rtp, heard)


_READ: dict[str, Callable[[list[str]], Message]] = {
    "opened": lambda values: Opened(*map(int, values)),
    "refused": lambda values: Refused(int(values[0]), " ".join(values[1:])),
    "packet": lambda values: FirstPacket(int(values[0]), _seconds(values[1])),
    "audio": lambda values: FirstAudio(int(values[0]), _seconds(values[1])),
    "response": lambda values: Response(int(values[0]), _seconds(values[1]), _seconds(values[2])),
    "report": _report,
    "pulse": lambda values: Pulse(_seconds(values[0])),
}
