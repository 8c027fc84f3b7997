"""Over load, as pictures: how long callers rang, how many too long, and where the time went."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator, PercentFormatter

from analysis.capacity import Capacity
from analysis.exhibit import INK, QUIET, Exhibit, canvas, look
from analysis.figures import WIDTH_IN, time_axis
from analysis.intervals import Estimate
from analysis.knee import Knee, named
from analysis.run import Run
from analysis.stages import EDGE, FINE
from analysis.step_reading import SEARCHING, StepReading
from analysis.wording import estimate, number, percent
from capacity.criterion import read
from capacity.step import Phase

STEADY = (*SEARCHING, Phase.CONFIRM, Phase.SMOKE)
_NICE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
_SHORTEST_S = 0.05
_OPEN = 1.7  # how far an interval without an upper end is drawn

Take = Callable[[StepReading], Estimate]


def load_curves(run: Run, capacity: Capacity) -> Exhibit | None:
    """Ring-to-answer, bad calls and agent connect latency at each load; None where but one was held."""
    steps = steady(capacity)
    if len({step.load for step in steps}) < 2:
        return None
    profiles = list(dict.fromkeys(step.profile for step in steps))
    observed = any(step.agent_connect_s.p50.n for step in steps)
    with canvas(WIDTH_IN, 0.9 + 2.3 * (3 if observed else 2)) as figure:
        panels = figure.subplots(
            3 if observed else 2, len(profiles), sharex=True, sharey="row", squeeze=False
        )
        for column, profile in zip(panels.T, profiles, strict=True):
            own = [step for step in steps if step.profile == profile]
            knees = [knee for knee in capacity.knees if knee.profile == profile]
            for axes in column:
                _band(axes, run, knees)
            _times(column[0], run, own, lambda step: step.ring_to_answer_s, run.tau_s)
            _shares(column[1], run, own)
            if observed:
                _times(column[2], run, own, lambda step: step.agent_connect_s, run.tau_s)
            _limits(column, capacity, run.tau_s)
            load_axis(column[-1], [step.load for step in steps])
            column[-1].set_xlabel(f"{capacity.unit} (log scale)")
            _name_knees(column[0], run, knees, capacity.unit)
        panels[0, 0].set_ylabel("ring-to-answer, s")
        panels[1, 0].set_ylabel("late or unanswered")
        if observed:
            panels[2, 0].set_ylabel("agent connect, s")
    told = "; ".join(
        f"{step.arm} under {step.profile} at {number(step.load)}: half rang "
        f"{estimate(step.ring_to_answer_s.p50)} s, 95 % {estimate(step.ring_to_answer_s.p95)} s, "
        f"{step.late} of {step.n} bad"
        for step in steps
    )
    return Exhibit(
        figure,
        "What callers notice as load grows",
        "Steady load: a mark a step with its two-sided 95 % interval, larger ones are confirming holds; the "
        "line goes through the step with most calls at a load. In the first and last row the lower line is "
        "the median, the upper what 95 % do not exceed; an arrow: beyond the ring timeout; dotted upward: "
        "too few calls to bound it. Second row: calls that the search gate's worst criterion counts as bad. "
        "Shaded: the interval in which callers begin to notice. Dotted across: the limit.",
        f"Figures over load in {capacity.unit}. {told}.",
    )


def stages_over_load(run: Run, capacity: Capacity) -> Exhibit | None:
    """Medians of the stages of a call, a bar a load; None where one load alone was seen in its rooms."""
    rows = [step for step in _by_load(steady(capacity)) if any(value for value in step.stages.values())]
    if len({step.load for step in rows}) < 2:
        return None
    with canvas(WIDTH_IN, 1.1 + 0.3 * len(rows)) as figure:
        axes = figure.add_subplot()
        for row, step in enumerate(rows):
            start = 0.0
            for name, value in step.stages.items():
                stage, seconds = FINE[name], value or 0.0
                axes.barh(
                    row, seconds, left=start, height=0.66, linewidth=0.6, edgecolor=EDGE,
                    facecolor=stage.colour, hatch=stage.strokes,
                )  # fmt: skip
                start += seconds
            axes.annotate(
                f"n {step.n}", (start, row), xytext=(5, 0), textcoords="offset points", fontsize=8,
                color=QUIET, verticalalignment="center",
            )  # fmt: skip
        axes.set_yticks(range(len(rows)), [_row_name(capacity, step) for step in rows])
        for tick, step in zip(axes.get_yticklabels(), rows, strict=True):
            tick.set_color(look(_place(run, step.arm)).colour)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.margins(x=0.1)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("seconds since the first ring, medians of the stages one after the other")
        handles = [
            Patch(
                facecolor=FINE[name].colour,
                hatch=FINE[name].strokes,
                edgecolor=EDGE,
                linewidth=0.6,
                label=name,
            )
            for name in rows[0].stages
        ]
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=8,
            handlelength=1.1, columnspacing=1.2,
        )  # fmt: skip
    told = "; ".join(
        f"{_row_name(capacity, step)}: "
        + ", ".join(f"{name} {number(value)} s" for name, value in step.stages.items())
        for step in rows
    )
    return Exhibit(
        figure,
        "Where the time goes as load grows",
        "The median of each stage over the calls that reached it; a stage that never ended lasts until the "
        "caller gave up. Medians laid end to end are not the median of the whole.",
        f"Median stage times. {told}.",
    )


def steady(capacity: Capacity) -> list[StepReading]:
    """The steps that show what a load does, but for the tester's own shortfalls."""
    return [step for step in capacity.steps if step.phase in STEADY and step.n and not step.shortfall.short]


def load_axis(axes: Axes, loads: Iterable[float]) -> None:
    """A logarithmic axis of loads, with ticks that people read."""
    known = [load for load in loads if load > 0]
    low, high = min(known) / 1.25, max(known) * 1.25
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    nice = [each * 10.0**power for power in decades for each in (_NICE if high / low < 12 else _NICE[::2])]
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in nice if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value))))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _by_load(steps: Sequence[StepReading]) -> list[StepReading]:
    order = list(dict.fromkeys(step.cell for step in steps))
    chosen = [step for cell in order for step in _along([each for each in steps if each.cell == cell])]
    return sorted(chosen, key=lambda step: (order.index(step.cell), step.load, step.step))


def _along(steps: Sequence[StepReading]) -> list[StepReading]:
    """Of several steps at one load that with the most calls, which knows it best."""
    best: dict[float, StepReading] = {}
    for step in steps:
        if step.load not in best or step.n > best[step.load].n:
            best[step.load] = step
    return list(best.values())


def _row_name(capacity: Capacity, step: StepReading) -> str:
    where = "" if len({each.profile for each in capacity.steps}) < 2 else f" · {step.profile}"
    hold = ", hold" if step.phase is Phase.CONFIRM else ""
    return f"{step.arm}{where} · {number(step.load)}{hold}"


def _aside(run: Run, place: int) -> float:
    """Arms at one load stand beside each other."""
    return float(1.015 ** (place - (len(run.arms) - 1) / 2))


def _place(run: Run, arm: str) -> int:
    return [each.name for each in run.arms].index(arm)


def _arms(run: Run, steps: Sequence[StepReading]) -> list[tuple[int, str, list[StepReading]]]:
    named_arms = [(place, arm.name) for place, arm in enumerate(run.arms)]
    return [
        (place, arm, own)
        for place, arm in named_arms
        if (
            own := sorted(
                (step for step in steps if step.arm == arm), key=lambda step: (step.load, step.step)
            )
        )
    ]


def _times(
    axes: Axes, run: Run, steps: Sequence[StepReading], take: Callable[[StepReading], object], tau_s: float
) -> None:
    """Median and 95 % of each step; what lies beyond τ is an arrow on its line."""
    for place, _, own in _arms(run, steps):
        for which, width in (("p50", 1.2), ("p95", 2.2)):
            drawn = look(place)
            points = [(step.load * _aside(run, place), getattr(take(step), which), step) for step in own]
            points = [(x, found, step) for x, found, step in points if found.n]
            heights = [
                tau_s if found.value is None else max(found.value, _SHORTEST_S) for _, found, _ in points
            ]
            line = [place for place, (_, _, step) in enumerate(points) if step in _along(own)]
            axes.plot(
                [points[place][0] for place in line], [heights[place] for place in line], color=drawn.colour,
                linestyle=drawn.dash, linewidth=width, alpha=0.85,
            )  # fmt: skip
            for (x, found, step), height in zip(points, heights, strict=True):
                low = min(max(found.low or _SHORTEST_S, _SHORTEST_S), height)
                high = height if found.high is None else max(min(found.high, tau_s), height)
                axes.plot([x, x], [low, high], color=drawn.colour, linewidth=1)
                if found.high is None and found.value is not None:
                    axes.plot(
                        [x, x], [height, height * _OPEN], color=drawn.colour, linewidth=1.4, linestyle=":"
                    )
                marker = "^" if found.value is None else drawn.marker
                size = 8 if step.phase is Phase.CONFIRM else 5
                axes.plot(x, height, marker, color=drawn.colour, markersize=size, clip_on=False)
    axes.set_yscale("log")
    axes.set_ylim(_SHORTEST_S, tau_s * 1.15)
    time_axis(axes, _SHORTEST_S, tau_s, vertical=True)


def _shares(axes: Axes, run: Run, steps: Sequence[StepReading]) -> None:
    for place, _, own in _arms(run, steps):
        drawn = look(place)
        found = [(step.load * _aside(run, place), _worst(step), step) for step in own]
        line = [(x, share.value or 0.0) for x, share, step in found if step in _along(own)]
        axes.plot(
            [x for x, _ in line], [y for _, y in line], color=drawn.colour, linestyle=drawn.dash, linewidth=2
        )
        for x, share, step in found:
            axes.plot([x, x], [share.low or 0.0, share.high or 1.0], color=drawn.colour, linewidth=1)
            axes.plot(
                x, share.value or 0.0, drawn.marker, color=drawn.colour, clip_on=False,
                markersize=8 if step.phase is Phase.CONFIRM else 5,
            )  # fmt: skip
    highest = max((_worst(step).high or 1.0 for step in steps), default=1.0)
    axes.set_ylim(-0.02, max(min(1.02, 1.1 * highest), 0.3, axes.get_ylim()[1]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _worst(step: StepReading) -> Estimate:
    return max(step.criteria, key=lambda each: each.bad / each.n / each.allowed if each.n else 0.0).bad_share


def _band(axes: Axes, run: Run, knees: Sequence[Knee]) -> None:
    for knee in knees:
        drawn = look(_place(run, knee.arm))
        if knee.low is not None and knee.high is not None:
            axes.axvspan(knee.low, knee.high, color=drawn.colour, alpha=0.13, linewidth=0)
        for load in (knee.low, knee.high):
            if load is not None:
                axes.axvline(load, color=drawn.colour, linewidth=0.7, linestyle=drawn.dash, alpha=0.7)


def _name_knees(axes: Axes, run: Run, knees: Sequence[Knee], unit: str) -> None:
    for row, knee in enumerate(reversed(knees)):
        axes.annotate(
            f"{knee.arm} · {knee.profile}: {knee.interval} {unit}", (0.0, 1.04 + 0.11 * row),
            xycoords="axes fraction", fontsize=9, fontweight="bold", color=look(_place(run, knee.arm)).colour,
        )  # fmt: skip


def _limits(column: Sequence[Axes], capacity: Capacity, tau_s: float) -> None:
    """The dotted lines of the search gate, each with its word."""
    for criterion in read(",".join(capacity.search_gate)):
        if criterion.limit_s is not None and criterion.name.startswith("ring") and criterion.limit_s < tau_s:
            _limit(column[0], criterion.limit_s, f"{named(criterion.name)} ≤ {number(criterion.limit_s)} s")
    least = min(criterion.share for criterion in read(",".join(capacity.search_gate)))
    _limit(column[1], least, f"{percent(least)} may be")


def _limit(axes: Axes, at: float, text: str) -> None:
    axes.axhline(at, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.annotate(
        text, (0.012, at), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points",
        fontsize=8, color=QUIET,
    )  # fmt: skip
