"""Runs over time as a picture: the headline figures of each arm with their intervals."""

import datetime as dt
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from analysis.exhibit import QUIET, Exhibit, canvas, look
from analysis.figures import WIDTH_IN
from analysis.history import Chapter
from analysis.intervals import Estimate
from analysis.wording import number, percent

_MEASURES = ("not answered", "mean ring within τ, s", "ring-to-answer p95, s")


def history_line(chapters: Sequence[Chapter], tau_s: float) -> Exhibit:
    """A panel a figure, a column a run in the order of time."""
    arms = list(dict.fromkeys(step.arm for chapter in chapters for step in chapter.steps))
    with canvas(WIDTH_IN, 6.2) as figure:
        panels = figure.subplots(len(_MEASURES), 1, sharex=True)
        for axes, measure in zip(panels, _MEASURES, strict=True):
            for place, arm in enumerate(arms):
                _draw(axes, chapters, measure, arm, place, shift=0.09 * (place - (len(arms) - 1) / 2))
            axes.set_ylabel(measure)
            axes.set_ylim(bottom=0)
            axes.grid(visible=False, axis="x")
        panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
        panels[0].set_ylim(-0.02, 1.02)
        panels[2].axhline(tau_s, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)))
        panels[0].legend(frameon=False, ncols=len(arms), loc="lower left", bbox_to_anchor=(0, 1))
        panels[-1].set_xticks(range(len(chapters)), [_named(chapter) for chapter in chapters])
        panels[-1].set_xlim(-0.5, len(chapters) - 0.5)
        for place, chapter in enumerate(chapters):
            if chapter.changes:
                for axes in panels:
                    axes.axvline(place - 0.5, color=QUIET, linewidth=1)
    told = "; ".join(
        f"{chapter.run_id}, {step.arm}: {percent(step.not_answered_share.value)} not answered, "
        f"mean ring {number(step.rmst_s.value)} s, n {step.not_answered_share.n}"
        for chapter in chapters
        for step in chapter.steps
    )
    return Exhibit(
        figure,
        "From run to run",
        "Mark and line: each run's figure with its two-sided 95 % interval, unanswered calls counted (as τ "
        "in the mean, beyond τ, the dotted line, at 95 %). Upright line: versions changed there.",
        f"Runs in the order of time. {told}.",
    )


def _draw(
    axes: Axes, chapters: Sequence[Chapter], measure: str, arm: str, place: int, *, shift: float
) -> None:
    drawn = look(place)
    shown = False
    for at, chapter in enumerate(chapters):
        for step in chapter.steps:
            if step.arm != arm:
                continue
            found = {
                _MEASURES[0]: step.not_answered_share,
                _MEASURES[1]: step.rmst_s,
                _MEASURES[2]: step.ring_to_answer_s.p95,
            }[measure]
            _mark(axes, at + shift, found, place, label=None if shown else arm)
            shown = True
    axes.plot([], [], color=drawn.colour)


def _mark(axes: Axes, at: float, found: Estimate, place: int, *, label: str | None) -> None:
    """A mark with its interval; an arrow upward where there is no end to it."""
    drawn = look(place)
    low = found.low if found.low is not None else found.value
    if low is None:
        return
    height = low if found.value is None else found.value
    top = found.high if found.high is not None else height
    axes.plot([at, at], [low, top], color=drawn.colour, linestyle=drawn.dash, linewidth=1.6)
    marker = "^" if found.censored else drawn.marker
    axes.plot(at, height, marker, color=drawn.colour, markersize=7, label=label, clip_on=False)
    if found.censored or found.high is None:
        text = f"> {number(low)}" if found.censored else f"≥ {number(low)}"
        axes.annotate(
            text, (at, height), xytext=(7, 0), textcoords="offset points", fontsize=8, color=drawn.colour,
            verticalalignment="center",
        )  # fmt: skip


def _named(chapter: Chapter) -> str:
    when = dt.datetime.fromtimestamp(chapter.started_unix, dt.UTC)
    return f"{when:%Y-%m-%d %H:%M}\n{chapter.run_id.rsplit('-', 1)[-1]}"
