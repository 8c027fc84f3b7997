"""Delay and loss over time as a figure; the one module that loads matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from network.profile import Direction
from network.trace import Passage

_STYLE = {Direction.UP: ("#0b5394", "o"), Direction.DOWN: ("#b45309", "s")}


def delays(title: str, passages: Mapping[Direction, Sequence[Passage]]) -> Figure:
    """Each packet's delay by when it was sent, and where packets were lost, one row a direction."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    figure.suptitle(title, x=0.02, ha="left")
    for axes, direction in zip(
        figure.subplots(len(passages), 1, sharex=True, squeeze=False)[:, 0], passages, strict=True
    ):
        colour, marker = _STYLE[direction]
        packets = passages[direction]
        came = [(packet.sent_s, 1000 * packet.delay_s) for packet in packets if packet.delay_s is not None]
        lost_s = [packet.sent_s for packet in packets if packet.delay_s is None]
        if came:
            axes.plot(*zip(*came, strict=True), marker, color=colour, markersize=1.5, linestyle="none")
        axes.set_ylim(0, 1.08 * max((delay_ms for _, delay_ms in came), default=1.0) + 1)
        if lost_s:
            axes.plot(lost_s, [0.0] * len(lost_s), "|", color="#a11212", markersize=12, clip_on=False)
        axes.set_title(
            f"{direction}: {len(lost_s)} of {len(packets)} packets lost (red strokes)",
            loc="left",
            fontsize=10,
        )
        axes.set_ylabel("delay, ms")
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("sent, s into the run")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file of the kind its suffix says.

    Raises:
        OSError: The file cannot be written.
        ValueError: There is no such kind.
    """
    figure.savefig(path, dpi=120)
