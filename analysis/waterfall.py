"""A call's ladder as a picture: a row a step, on one time line, with how well each clock is known."""

from matplotlib.lines import Line2D

from analysis.exhibit import INK, Exhibit, canvas
from analysis.ladder import Ladder, Side, Step
from analysis.run import Run
from analysis.wording import number

# One colour and marker a side, as arms have them.
SIDES = {
    Side.CALLER: ("#0b5fa5", "o"),
    Side.TRUNK: ("#4a4a4a", "v"),
    Side.ROOM: ("#00745a", "^"),
    Side.AGENT: ("#c2410c", "s"),
    Side.FILTER: ("#7c3f98", "D"),
}


def waterfall(run: Run, ladder: Ladder) -> Exhibit:
    """Every step of the call from the top down, where it happened in time."""
    end_s = max([ladder.lasted_s, *(step.at_s for step in ladder.steps)], default=1.0) or 1.0
    with canvas(9.4, 0.9 + 0.2 * max(len(ladder.steps), 1)) as figure:
        axes = figure.add_subplot()
        for row, step in enumerate(ladder.steps):
            colour, marker = SIDES[step.side]
            until_s = min(step.until_s, end_s) if step.until_s is not None else step.at_s
            if until_s > step.at_s:
                axes.barh(
                    row, until_s - step.at_s, left=step.at_s, height=0.5, color="none" if step.open_ended
                    else colour, alpha=1 if step.open_ended else 0.35, edgecolor=colour, linewidth=0.8,
                    hatch="////" if step.open_ended else None,
                )  # fmt: skip
            axes.errorbar(
                step.at_s, row, xerr=step.error_s or None, fmt=marker, color=colour, markersize=5,
                elinewidth=1, capsize=2,
            )  # fmt: skip
            left = until_s > 0.72 * end_s and step.at_s > 0.3 * end_s
            axes.annotate(
                _when(step), (step.at_s if left else until_s, row), xytext=(-8 if left else 8, 0),
                textcoords="offset points", verticalalignment="center", fontsize=8, color=INK,
                horizontalalignment="right" if left else "left",
            )  # fmt: skip
        axes.set_yticks(range(len(ladder.steps)), [f"{step.side} · {step.what}" for step in ladder.steps])
        for tick, step in zip(axes.get_yticklabels(), ladder.steps, strict=True):
            tick.set_color(SIDES[step.side][0])
        axes.set_ylim(max(len(ladder.steps), 1) - 0.4, -0.6)
        axes.set_xlim(min([0.0, *(step.at_s for step in ladder.steps)]) - 0.02 * end_s, end_s * 1.12)
        axes.set_xlabel("seconds since the INVITE")
        sides = dict.fromkeys(step.side for step in ladder.steps)
        axes.legend(
            handles=[
                Line2D([], [], color=SIDES[side][0], marker=SIDES[side][1], linestyle="", label=str(side))
                for side in sides
            ],
            loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, ncols=5, fontsize=8,
        )  # fmt: skip
    title = f"{ladder.arm}: {_fate(ladder)}"
    return Exhibit(
        figure,
        title,
        f"Call {ladder.call_id}{'' if ladder.profile == 'clean' else f', network {ladder.profile}'}"
        f"{f', held by: {ladder.cause}' if ladder.cause else ''}"
        f"{f', {ladder.missing}' if ladder.missing else ''}. {_clocks(run, ladder)}",
        f"Steps of a call. {title}. "
        + "; ".join(f"{step.side} {step.what} at {_when(step)}" for step in ladder.steps)
        + ".",
    )


def _fate(ladder: Ladder) -> str:
    minutes, seconds = divmod(int(ladder.due_at_s), 60)
    when = f"due {minutes}:{seconds:02d} into the run"
    if ladder.ring_s is not None:
        return f"answered after {number(ladder.ring_s)} s of ringing, {when}"
    return (
        f"not answered, {ladder.outcome.replace('_', ' ')} {f'({ladder.sip}), ' if ladder.sip else ''}{when}"
    )


def _when(step: Step) -> str:
    text = f"{step.at_s:.3f} s".replace("-", "−")  # noqa: RUF001  a minus sign
    if step.error_s:
        text += f" ± {1000 * step.error_s:.1f} ms"
    if step.open_ended:
        return f"{text}, never ended"
    return text if step.until_s is None else f"{text}, for {step.until_s - step.at_s:.3f} s"


def _clocks(run: Run, ladder: Ladder) -> str:
    said = ["Caller: one monotonic clock."]
    if any(step.side in (Side.ROOM, Side.AGENT, Side.FILTER) for step in ladder.steps):
        error_s = run.worker_clock_error_s + (run.room_clock.error_s if run.room_clock else 0.0)
        said.append(f"Room, agent and filter: another clock, tied to it within {number(1000 * error_s)} ms.")
    if any(step.side is Side.TRUNK for step in ladder.steps):
        said.append("Trunk: counted from when it had the INVITE, which is later by the way there.")
    return " ".join(said)
