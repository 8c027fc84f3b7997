"""Delay and loss over time, drawn in characters for a terminal."""

from collections.abc import Iterator, Mapping, Sequence

from network.profile import Direction
from network.trace import Passage

_BARS = " ▁▂▃▄▅▆▇█"
_ROWS = 4


def sketch(passages: Mapping[Direction, Sequence[Passage]], *, for_s: float, columns: int) -> Iterator[str]:
    """A chart of the mean delay and a line of the share lost, for each direction."""
    seconds = f"{for_s:g} s"
    for direction, packets in passages.items():
        slices = _slices(packets, for_s, columns)
        delays = [_mean_ms(each) for each in slices]
        losses = [sum(packet.delay_s is None for packet in each) / max(len(each), 1) for each in slices]
        top_ms = max(*delays, 1.0)
        yield f"{direction}: mean delay, up to {top_ms:.0f} ms"
        for row in reversed(range(_ROWS)):
            yield "  │" + "".join(_bar(delay_ms / top_ms * _ROWS - row) for delay_ms in delays)
        yield "  └" + "─" * (columns - len(seconds) - 1) + f" {seconds}"
        lost = sum(packet.delay_s is None for packet in packets)
        yield f"{direction}: lost, {lost} of {len(packets)} packets; full height is all of them"
        yield "  │" + "".join(_bar(share) if share == 0 else _bar(max(share, 1 / 8)) for share in losses)


def _slices(packets: Sequence[Passage], for_s: float, columns: int) -> list[list[Passage]]:
    slices: list[list[Passage]] = [[] for _ in range(columns)]
    for packet in packets:
        slices[min(int(packet.sent_s / for_s * columns), columns - 1)].append(packet)
    return slices


def _mean_ms(packets: Sequence[Passage]) -> float:
    delays_s = [packet.delay_s for packet in packets if packet.delay_s is not None]
    return 1000 * sum(delays_s) / len(delays_s) if delays_s else 0.0


def _bar(height: float) -> str:
    return _BARS[min(max(round(height * 8), 0), 8)]
