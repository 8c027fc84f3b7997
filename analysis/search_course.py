"""A search over its time, as pictures: which loads were tried, what they came to, and too much load."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator

from analysis.capacity import Capacity
from analysis.exhibit import INK, QUIET, Exhibit, canvas, look
from analysis.figures import WIDTH_IN, time_axis
from analysis.knee import Knee
from analysis.run import Run
from analysis.step_reading import SEARCHING, StepReading
from analysis.steps import of_step
from analysis.wording import number
from capacity.criterion import read
from capacity.step import Decision, Phase

_MARKS = {
    Decision.PASSED: "o",
    Decision.FAILED: "x",
    Decision.UNDECIDED: "D",
    Decision.NOT_VALID: "P",
    Decision.CUT: "s",
    Decision.DONE: ".",
}
_SHOWN = (*SEARCHING, Phase.CONFIRM, Phase.SHED, Phase.RECOVERY)
_OVER = (Phase.CONFIRM, Phase.SHED, Phase.RECOVERY)
_TICKS_S = (10, 20, 30, 60, 120, 300, 600)
_NAMES = {Phase.CONFIRM: "hold", Phase.SHED: "150 %", Phase.RECOVERY: "recovery"}


def search_course(run: Run, capacity: Capacity) -> Exhibit | None:
    """Each step as a bar at its load from its first call to its end; None where there was one look."""
    knees = [knee for knee in capacity.knees if _steps(capacity, knee, _SHOWN)]
    if not knees:
        return None
    with canvas(WIDTH_IN, 0.6 + 2.3 * len(knees)) as figure:
        panels = figure.subplots(len(knees), 1, squeeze=False)[:, 0]
        for axes, knee in zip(panels, knees, strict=True):
            _course(axes, run, knee, _steps(capacity, knee, _SHOWN), capacity.unit)
        panels[-1].set_xlabel("minutes since the first of these steps")
    told = "; ".join(
        f"{knee.arm} under {knee.profile}: "
        + ", ".join(f"{number(step.load)} {_word(step)}" for step in _steps(capacity, knee, _SHOWN))
        for knee in knees
    )
    return Exhibit(
        figure,
        "How the search went",
        "A bar a step, as long as it took, at its load on a log scale. Shaded: the interval that is left.",
        f"Loads in {capacity.unit} in the order in which they were tried. {told}.",
    )


def overload_course(run: Run, capacity: Capacity) -> Exhibit | None:
    """Every call of the hold, of 150 % and of the recovery, when it was due and how long it rang."""
    knees = [knee for knee in capacity.knees if _steps(capacity, knee, (Phase.SHED,))]
    if not knees:
        return None
    with canvas(WIDTH_IN, 0.6 + 2.0 * len(knees)) as figure:
        panels = figure.subplots(len(knees), 1, squeeze=False)[:, 0]
        for axes, knee in zip(panels, knees, strict=True):
            _rings(axes, run, knee, _steps(capacity, knee, _OVER), capacity)
        panels[-1].set_xlabel("call was due, minutes")
    told = "; ".join(
        f"{each.arm} under {each.profile}: {each.late} of {each.calls} late or lost at {number(each.load)}"
        for each in capacity.shed
    )
    return Exhibit(
        figure,
        "Too much, and back",
        "One mark a call, ✕ above the dotted line: not answered. Between the upright lines: the confirming "
        "hold, 150 % of its load, and its load again.",
        f"Ring time of each call. {told}.",
    )


def _steps(capacity: Capacity, knee: Knee, phases: Sequence[Phase]) -> list[StepReading]:
    return [step for step in capacity.of_cell(knee) if step.phase in phases]


def _word(step: StepReading) -> str:
    name = _NAMES.get(step.phase)
    came = "" if step.decision is Decision.DONE else step.decision.replace("_", " ")
    return ", ".join(part for part in (name, came) if part)


def _course(axes: Axes, run: Run, knee: Knee, steps: Sequence[StepReading], unit: str) -> None:
    drawn = look([arm.name for arm in run.arms].index(knee.arm))
    zero = min(step.began_unix for step in steps)
    loads = sorted({step.load for step in steps})
    if knee.low is not None and knee.high is not None:
        axes.axhspan(knee.low, knee.high, color=drawn.colour, alpha=0.13, linewidth=0)
    for step in steps:
        begun, ended = step.began_unix - zero, step.ended_unix - zero
        axes.plot(
            [begun, ended],
            [step.load, step.load],
            color=drawn.colour,
            linewidth=4,
            solid_capstyle="butt",
            alpha=0.55,
        )
        axes.plot(
            ended, step.load, _MARKS[step.decision], color=drawn.colour, markersize=6, markeredgewidth=2
        )
        axes.annotate(
            _word(step), (ended, step.load), xytext=(2, 6), textcoords="offset points", fontsize=8, color=INK,
            horizontalalignment="right",
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(loads[0] / 1.3, loads[-1] * 1.45)
    axes.yaxis.set_major_locator(FixedLocator(_apart(loads)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value))))
    axes.set_ylabel(unit)
    axes.set_title(f"{knee.arm} · {knee.profile}   {knee.interval} {unit}", color=drawn.colour)
    _minutes(axes)


def _apart(loads: Sequence[float]) -> list[float]:
    """Those that are far enough from the one before to be read on the axis."""
    kept: list[float] = []
    for load in loads:
        if not kept or load / kept[-1] > 1.09:
            kept.append(load)
    return kept


def _rings(axes: Axes, run: Run, knee: Knee, steps: Sequence[StepReading], capacity: Capacity) -> None:
    drawn = look([arm.name for arm in run.arms].index(knee.arm))
    shed = next(place for place, step in reversed(list(enumerate(steps))) if step.phase is Phase.SHED)
    shown = steps[max(shed - 1, 0) :]
    own = {(step.step, step.arm): step for step in run.steps}
    start_s = 0.05
    zero = shown[0].began_unix
    for place, step in enumerate(shown):
        calls = of_step(run.calls, own[step.step, step.arm])
        calls = calls[~calls["warm_up"] & (calls["outcome"] != "tester_failed")]
        due = (calls["zero_unix"] + calls["due_s"] - zero).to_numpy(dtype="float64")
        ring = calls["ring_to_answer_s"].to_numpy(dtype="float64")
        answered = np.isfinite(ring)
        axes.scatter(
            due[answered], np.maximum(ring[answered], start_s), s=15, marker=drawn.marker, color=drawn.colour,
            alpha=0.8, linewidths=0,
        )  # fmt: skip
        axes.scatter(
            due[~answered], np.full((~answered).sum(), run.tau_s * 1.5), s=26, marker="x", color=drawn.colour,
            linewidths=1.6,
        )  # fmt: skip
        if place:
            axes.axvline(step.began_unix - zero, color=QUIET, linewidth=1)
        axes.annotate(
            f"{_NAMES[step.phase]}: {number(step.load)} {capacity.unit}", (step.began_unix - zero, 1.02),
            xycoords=("data", "axes fraction"), xytext=(3, 0), textcoords="offset points", fontsize=8.5,
            color=INK,
        )  # fmt: skip
    for criterion in read(",".join(capacity.search_gate)):
        if criterion.limit_s is not None and criterion.name.startswith("ring"):
            axes.axhline(criterion.limit_s, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
            axes.annotate(
                f"{number(criterion.limit_s)} s", (1.005, criterion.limit_s),
                xycoords=("axes fraction", "data"), fontsize=8, color=QUIET,
                verticalalignment="center", annotation_clip=False,
            )  # fmt: skip
    axes.axhline(run.tau_s, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set_yscale("log")
    axes.set_ylim(start_s, run.tau_s * 2.2)
    time_axis(axes, start_s, run.tau_s, vertical=True)
    axes.set_ylabel("rang for, s")
    axes.set_title(f"{knee.arm} · {knee.profile}\n", color=drawn.colour)
    _minutes(axes)


def _minutes(axes: Axes) -> None:
    axes.set_xlim(left=0)
    length_s = axes.get_xlim()[1]
    axes.xaxis.set_major_locator(MultipleLocator(next((s for s in _TICKS_S if length_s / s <= 9), 1800)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{int(x // 60)}:{int(x % 60):02d}"))
