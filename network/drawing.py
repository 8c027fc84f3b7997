"""Delay and loss over time as a figure; the one module that loads matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from network.ledger import Passage as Measured
from network.profile import Direction
from network.trace import Passage

_LOST = "#a11212"
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
            axes.plot(lost_s, [0.0] * len(lost_s), "|", color=_LOST, markersize=12, clip_on=False)
        axes.set_title(
            f"{direction}: {len(lost_s)} of {len(packets)} packets lost (red strokes)",
            loc="left",
            fontsize=10,
        )
        axes.set_ylabel("delay, ms")
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("sent, s into the run")
    return figure


def proof(title: str, passages: Sequence[Measured]) -> Figure:
    """For each direction: one flow's delays over time beside the model's, and how all delays are spread."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    figure.suptitle(title, x=0.02, ha="left")
    grid = figure.subplots(len(Direction), 2, width_ratios=(2, 1), squeeze=False)
    for (over_time, spread), direction in zip(grid, Direction, strict=True):
        one_way = [each for each in passages if each.direction is direction]
        _flow_over_time(over_time, [each for each in one_way if each.flow == 0], direction)
        _spread(spread, one_way, direction)
    for axes in grid[-1]:
        axes.set_xlabel("sent, s into the run" if axes is grid[-1][0] else "delay, ms")
    return figure


def _flow_over_time(axes: Axes, flow: Sequence[Measured], direction: Direction) -> None:
    colour, marker = _STYLE[direction]
    asked = [(each.sent_s, 1000 * (due_s - each.sent_s)) for each in flow for due_s in each.due_s]
    got = [(each.sent_s, 1000 * (at_s - each.sent_s)) for each in flow for at_s in each.arrived_s]
    lost_s = [each.sent_s for each in flow if not each.arrived_s]
    if asked:
        axes.plot(*zip(*asked, strict=True), "-", color="#767676", linewidth=0.8)
    if got:
        axes.plot(*zip(*got, strict=True), marker, color=colour, markersize=2, linestyle="none")
    if lost_s:
        axes.plot(lost_s, [0.0] * len(lost_s), "|", color=_LOST, markersize=12, clip_on=False)
    axes.set_ylim(0, 1.08 * max((delay_ms for _, delay_ms in got), default=1.0) + 1)
    axes.set_title(
        f"{direction}, one flow: measured (dots), the model (line), lost (red strokes)",
        loc="left",
        fontsize=10,
    )
    axes.set_ylabel("delay, ms")
    axes.spines[["top", "right"]].set_visible(False)


def _spread(axes: Axes, passages: Sequence[Measured], direction: Direction) -> None:
    colour, _ = _STYLE[direction]
    asked_ms = [1000 * (due_s - each.sent_s) for each in passages for due_s in each.due_s]
    got_ms = [1000 * (at_s - each.sent_s) for each in passages for at_s in each.arrived_s]
    if asked_ms:
        axes.ecdf(asked_ms, color="#767676", linewidth=3)
    if got_ms:
        axes.ecdf(got_ms, color=colour, linestyle="--")
    axes.set_title(f"{direction}, all flows (dashes), the model (band)", loc="left", fontsize=10)
    axes.set_ylabel("share of packets")
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file of the kind its suffix says.

    Raises:
        OSError: The file cannot be written.
        ValueError: There is no such kind.
    """
    figure.savefig(path, dpi=120)
