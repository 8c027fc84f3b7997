"""Pictures of profile by arm: who was still waiting, within what time nearly all were answered, the voice."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from analysis.arms import ArmSummary
from analysis.exhibit import GRID, INK, QUIET, Exhibit, canvas, look
from analysis.figures import WIDTH_IN, draw_curve, log_start, time_axis
from analysis.run import Run
from analysis.summary import Summary
from analysis.survival import still_waiting
from analysis.wording import NOTHING, estimate, interval, number, percent

_COLUMNS = 3


def waiting_by_network(run: Run) -> Exhibit:
    """A panel a network: the share of callers still waiting at each time, by arm."""
    counted = run.counted()
    labels = [label for label in run.labels if (counted["profile"] == label).any()]
    rings = {
        (label, arm.name): counted.loc[
            (counted["profile"] == label) & (counted["arm"] == arm.name), "ring_to_answer_s"
        ].to_numpy(dtype="float64")
        for label in labels
        for arm in run.arms
    }
    start_s = log_start(np.concatenate(list(rings.values())))
    rows = -(-len(labels) // _COLUMNS)
    told = []
    with canvas(WIDTH_IN, 0.5 + 2.5 * rows) as figure:
        panels = figure.subplots(
            rows, min(_COLUMNS, len(labels)), sharex=True, sharey=True, squeeze=False
        ).ravel()
        for axes, label in zip(panels, labels, strict=False):
            axes.set_title(label)
            ends = []
            for place, arm in enumerate(run.arms):
                ring = rings[label, arm.name]
                if not ring.size:
                    continue
                curve = still_waiting(ring, run.tau_s)
                draw_curve(axes, curve, place, start_s)
                ends.append((float(curve.waiting[-1]), place, arm.name, ring.size))
                told.append(f"{label}, {arm.name}: {percent(float(curve.waiting[-1]))} of {ring.size}")
            _name_ends(axes, ends)
            axes.set_xscale("log")
            axes.set_xlim(start_s, run.tau_s)
            axes.set_ylim(-0.02, 1.04)
            time_axis(axes, start_s, run.tau_s)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        for axes in panels[len(labels) :]:
            axes.set_visible(False)
        figure.supylabel("callers still waiting", color=QUIET, fontsize=9)
        figure.supxlabel("seconds since the first ring (log scale)", color=QUIET, fontsize=9)
    return Exhibit(
        figure,
        "Callers still waiting, by network",
        "Kaplan-Meier's estimate with a pointwise 95 % band; unanswered calls wait for ever. In each panel: "
        "who never got an answer, and of how many calls.",
        f"Share never answered within {number(run.tau_s)} s. {'; '.join(told)}.",
    )


def answered_within(run: Run, summary: Summary) -> Exhibit:
    """A tile an arm and network: the ring that 95 % of callers do not exceed; hatched beyond τ."""
    arms = [name for name, arm in summary.arms.items() if arm.calls]
    labels = list(summary.profiles)
    told = []
    with canvas(WIDTH_IN, 0.7 + 0.85 * len(arms)) as figure:
        axes = figure.add_subplot()
        for row, name in enumerate(arms):
            for column, label in enumerate(labels):
                arm = summary.profiles[label].arms[name]
                _tile(axes, row, column, arm, run.tau_s)
                told.append(f"{name} under {label}: {estimate(arm.ring_to_answer_s.p95)} s")
        axes.set_xlim(0, len(labels))
        axes.set_ylim(len(arms), 0)
        axes.set_xticks([place + 0.5 for place in range(len(labels))], labels)
        axes.set_yticks([place + 0.5 for place in range(len(arms))], arms)
        for tick, name in zip(axes.get_yticklabels(), arms, strict=True):
            tick.set_color(look([arm.name for arm in run.arms].index(name)).colour)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return Exhibit(
        figure,
        "95 % of callers are answered within",
        "Seconds of ringing, with the two-sided 95 % interval. The more a tile stands out the longer, "
        "on a log scale from 0.1 s to τ. Hatched: more than 5 % had no answer by τ.",
        f"Ring-to-answer at 95 %. {'; '.join(told)}.",
    )


def opinions(run: Run, summary: Summary) -> Exhibit | None:
    """The median and the worst 5 % of each arm's MOS under each network, or None where none was measured."""
    rows = [
        (f"{label} · {name}", place, profile.arms[name])
        for label, profile in summary.profiles.items()
        for place, name in enumerate(summary.arms)
        if profile.arms[name].rtp.mos.p50.value is not None
    ]
    if not rows:
        return None
    limit = run.limits.get("mos_p5", 3.6)
    with canvas(WIDTH_IN, 0.8 + 0.34 * len(rows)) as figure:
        axes = figure.add_subplot()
        for row, (_, place, arm) in enumerate(rows):
            middle, worst, drawn = arm.rtp.mos.p50, arm.rtp.mos.p5, look(place)
            low = 1.0 if worst.low is None else worst.low
            high = 4.5 if middle.high is None else middle.high
            axes.plot([low, high], [row, row], color=drawn.colour, linestyle=drawn.dash, linewidth=1.3)
            axes.plot(middle.value or 1.0, row, drawn.marker, color=drawn.colour, markersize=7)
            if worst.value is not None:
                axes.plot(worst.value, row, "|", color=drawn.colour, markersize=15, markeredgewidth=2)
            axes.annotate(
                f"{number(middle.value)}, worst 5 %: {estimate(worst)}  (n {middle.n})", (1.02, row),
                xycoords=("axes fraction", "data"), verticalalignment="center", fontsize=8,
                color=drawn.colour, annotation_clip=False,
            )  # fmt: skip
        axes.axvline(limit, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
        axes.annotate(
            f"gate {number(limit)}", (limit, -0.55), xytext=(3, 0), textcoords="offset points", fontsize=8,
            color=QUIET,
        )  # fmt: skip
        axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.7)
        axes.set_xlim(1, 4.6)
        axes.set_xlabel("MOS of the E-model, G.711 without concealment (1 bad, 4.5 best)")
        axes.grid(visible=False, axis="y")
    return Exhibit(
        figure,
        "How the voice sounded",
        "Mark: the median call. Stroke: the call that 95 % are better than. Line: from the lower end of "
        "the stroke's 95 % interval to the upper end of the mark's. Unanswered calls have no voice and are "
        "not counted here.",
        "MOS. "
        + "; ".join(
            f"{label}: median {estimate(arm.rtp.mos.p50)} ({interval(arm.rtp.mos.p50, least=1)}), "
            f"worst 5 % {estimate(arm.rtp.mos.p5)}, n {arm.rtp.mos.p50.n}"
            for label, _, arm in rows
        )
        + ".",
    )


def _name_ends(axes: Axes, ends: list[tuple[float, int, str, int]]) -> None:
    for row, (share, place, name, n) in enumerate(ends):
        axes.annotate(
            f"{name}: {percent(share)} of {n}", (0.98, 0.95 - 0.1 * row), xycoords="axes fraction",
            horizontalalignment="right", verticalalignment="top", fontsize=8, fontweight="bold",
            color=look(place).colour,
        )  # fmt: skip


def _tile(axes: Axes, row: int, column: int, arm: ArmSummary, tau_s: float) -> None:
    """Light to dark by time, so that it reads in grey; its text is dark or white by the tile."""
    found = arm.ring_to_answer_s.p95
    beyond = found.censored
    depth = 1.0 if beyond else _depth(found.value, tau_s)
    shade = 0.97 - 0.72 * depth if found.n else 1.0
    axes.add_patch(
        Rectangle(
            (column + 0.02, row + 0.03), 0.96, 0.94, facecolor=(shade, shade, min(1.0, shade + 0.03)),
            edgecolor="white" if beyond else GRID, hatch="////" if beyond else None, linewidth=0.6,
        )
    )  # fmt: skip
    light = shade < 0.55
    text = "no calls" if not found.n else f"{estimate(found)} s" if found.value or beyond else NOTHING
    small = f"{interval(found)}{', ' if interval(found) else ''}n {found.n}" if found.n else ""
    box = {"facecolor": (shade, shade, min(1.0, shade + 0.03)), "edgecolor": "none", "pad": 2.5}
    axes.text(
        column + 0.5, row + 0.42, text, ha="center", va="center", fontweight="bold", fontsize=11,
        color="white" if light else INK, bbox=box,
    )  # fmt: skip
    axes.text(
        column + 0.5, row + 0.72, small, ha="center", va="center", fontsize=8,
        color="white" if light else INK, bbox=box,
    )  # fmt: skip


def _depth(value: float | None, tau_s: float) -> float:
    """0 at a tenth of a second, 1 at τ."""
    if value is None:
        return 0.0
    return float(np.clip(np.log10(max(value, 0.1) / 0.1) / np.log10(max(tau_s, 1.0) / 0.1), 0, 1))
