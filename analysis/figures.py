"""The pictures of a report: who was still waiting, when calls went wrong, and what the faults foretold."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator, PercentFormatter

from analysis.exhibit import INK, QUIET, Exhibit, canvas, look
from analysis.intervals import Values, share
from analysis.prediction import Prediction, with_faults
from analysis.run import Run
from analysis.survival import Curve, at_risk, still_waiting
from analysis.wording import count, number, percent

WIDTH_IN = 9.4
_TICKS_S = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_MOST_VECTOR_MARKS = 4_000


def waiting_curves(run: Run) -> Exhibit:
    """The share of callers still waiting at each time, by arm, with a band and the numbers at risk."""
    counted = run.counted()
    arms = [arm.name for arm in run.arms if (counted["arm"] == arm.name).any()]
    rings = {arm: _ring(counted, arm) for arm in arms}
    with canvas(WIDTH_IN, 4.1 + 0.2 * len(arms)) as figure:
        axes = figure.add_subplot()
        start_s = log_start(np.concatenate(list(rings.values())) if rings else np.empty(0))
        ends = []
        for place, arm in _placed(run, arms):
            curve = still_waiting(rings[arm], run.tau_s)
            draw_curve(axes, curve, place, start_s)
            ends.append(
                (
                    float(curve.waiting[-1]),
                    place,
                    f"{arm}: {percent(float(curve.waiting[-1]))} never answered",
                )
            )
        _label_ends(axes, ends, run.tau_s)
        axes.set_xscale("log")
        axes.set_xlim(start_s, run.tau_s)
        axes.set_ylim(-0.02, 1.04)
        ticks = time_axis(axes, start_s, run.tau_s)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("callers still waiting")
        axes.set_xlabel("seconds since the first ring (log scale)")
        _at_risk_rows(axes, ticks, [(place, arm, rings[arm]) for place, arm in _placed(run, arms)])
    told = "; ".join(f"{text}" for _, _, text in ends)
    return Exhibit(
        figure,
        "Callers still waiting",
        "Kaplan-Meier's estimate with a pointwise 95 % band (exact, Clopper-Pearson). A call that is refused "
        "or abandoned waits for ever; the ring timeout is "
        f"{number(run.tau_s)} s. Below: how many callers were still ringing.",
        f"Share of callers still waiting by seconds since the first ring. {told}.",
    )


def time_line(run: Run) -> Exhibit:
    """Every call when it was due and how long it rang, by arm; unanswered and mistreated ones marked."""
    calls = with_faults(run)
    arms = [arm.name for arm in run.arms]
    with canvas(WIDTH_IN, 0.7 + 1.75 * len(arms)) as figure:
        panels = figure.subplots(len(arms), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        start_s = log_start(calls["ring_to_answer_s"].to_numpy(dtype="float64"))
        for place, (axes, arm) in enumerate(zip(panels, arms, strict=True)):
            own = calls[calls["arm"] == arm]
            _draw_calls(axes, own, place, run.tau_s)
            missed = int((~own["answered"]).sum())
            stalled = int(own["fault_kind"].notna().sum())
            axes.set_title(
                f"{arm}   {count(len(own), 'call')}, {missed} not answered, "
                f"{count(stalled, 'mistreated set-up')}",
                color=look(place).colour,
            )
            axes.set_ylabel("rang for, s")
            axes.set_yscale("log")
            axes.set_ylim(start_s, run.tau_s * 2.2)
            time_axis(axes, start_s, run.tau_s, vertical=True)
            axes.axhline(run.tau_s, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)))
        panels[-1].set_xlabel("call was due, minutes into the run")
        panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{int(x // 60)}:{int(x % 60):02d}"))
    return Exhibit(
        figure,
        "Call by call",
        f"One mark a call. ✕ above the dotted line: not answered within {number(run.tau_s)} s. A "
        f"ring around a mark: "
        "its filter set-up was mistreated on purpose.",
        "Ring time of every call over the run: "
        + "; ".join(
            f"{arm}: {int((~calls[calls['arm'] == arm]['answered']).sum())} not answered" for arm in arms
        )
        + ".",
    )


def foretold(run: Run, forecast: Sequence[Prediction]) -> Exhibit:
    """What the mistreated set-ups should have left unanswered, beside what was measured with its interval."""
    known = [
        entry for entry in forecast if entry.predicted_share is not None and entry.measured_share is not None
    ]
    with canvas(WIDTH_IN, 0.75 + 0.5 * max(len(known), 1)) as figure:
        axes = figure.add_subplot()
        counted = run.counted()
        for row, entry in enumerate(known):
            predicted = entry.predicted_share or 0.0
            place = [arm.name for arm in run.arms].index(entry.arm)
            measured = _not_answered_interval(counted, entry.arm)
            drawn = look(place)
            axes.plot(
                [measured[1], measured[2]], [row, row], color=drawn.colour, linewidth=2, solid_capstyle="butt"
            )
            axes.plot(measured[0], row, drawn.marker, color=drawn.colour, markersize=7, clip_on=False)
            axes.plot(predicted, row, "|", color=INK, markersize=22, markeredgewidth=2, clip_on=False)
            axes.annotate(
                f"predicted {entry.predicted_not_answered}, measured {entry.measured_not_answered} "
                f"of {entry.set_ups}",
                (max(measured[2], predicted), row),
                xytext=(10, 0),
                textcoords="offset points",
                verticalalignment="center",
                color=drawn.colour,
            )
        axes.set_yticks(range(len(known)), [entry.arm for entry in known])
        axes.set_ylim(len(known) - 0.4, -0.6)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("calls not answered")
        axes.grid(visible=False, axis="y")
    told = "; ".join(
        f"{entry.arm}: predicted {entry.predicted_not_answered}, measured {entry.measured_not_answered}"
        for entry in known
    )
    return Exhibit(
        figure,
        "Foretold and measured",
        "Bar: predicted from how long each mistreated set-up was held and how long a stall can last "
        "in that arm. "
        "Mark and line: measured, with its 95 % interval.",
        f"Calls not answered. {told}.",
    )


def _ring(calls: pd.DataFrame, arm: str) -> Values:
    return calls.loc[calls["arm"] == arm, "ring_to_answer_s"].to_numpy(dtype="float64")


def _placed(run: Run, arms: Sequence[str]) -> list[tuple[int, str]]:
    return [(place, arm.name) for place, arm in enumerate(run.arms) if arm.name in arms]


def log_start(values: Values) -> float:
    """Where a logarithmic axis of these times begins, in seconds."""
    answered = values[np.isfinite(values) & (values > 0)]
    return float(max(0.02, min(0.1, answered.min() * 0.7))) if answered.size else 0.1


def draw_curve(axes: Axes, curve: Curve, place: int, start_s: float) -> None:
    """A curve with its band, as the arm at that place is drawn."""
    time_s = np.maximum(curve.time_s, start_s)
    drawn = look(place)
    axes.fill_between(time_s, curve.low, curve.high, step="post", color=drawn.colour, alpha=0.14, linewidth=0)
    axes.step(time_s, curve.waiting, where="post", color=drawn.colour, linestyle=drawn.dash, linewidth=2)


def _label_ends(axes: Axes, ends: list[tuple[float, int, str]], tau_s: float) -> None:
    """Name each curve inside the plot at its end, far enough apart to read."""
    lowest = -1.0
    for height, place, text in sorted(ends):
        at = max(height + 0.045, lowest + 0.075)
        lowest = at
        axes.annotate(
            text,
            (tau_s, min(at, 0.99)),
            xytext=(-6, 0),
            textcoords="offset points",
            horizontalalignment="right",
            verticalalignment="center",
            color=look(place).colour,
            fontweight="bold",
            path_effects=[withStroke(linewidth=3, foreground="white", alpha=0.8)],
        )


def time_axis(axes: Axes, start_s: float, tau_s: float, *, vertical: bool = False) -> list[float]:
    """Ticks of a logarithmic axis of seconds, which end with the ring timeout."""
    ticks = [tick for tick in _TICKS_S if start_s <= tick <= tau_s * 0.72] + [tau_s]
    axis = axes.yaxis if vertical else axes.xaxis
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value))))
    axis.set_minor_formatter(NullFormatter())
    return ticks


def _at_risk_rows(axes: Axes, ticks: Sequence[float], rows: Sequence[tuple[int, str, Values]]) -> None:
    for row, (place, arm, ring) in enumerate(rows):
        below = -0.17 - 0.052 * row
        place_of_name = (-0.012, below)
        axes.annotate(
            arm, place_of_name, xycoords="axes fraction", horizontalalignment="right",
            color=look(place).colour, fontsize=8, verticalalignment="center",
        )  # fmt: skip
        for tick, n in zip(ticks, at_risk(ring, np.array(ticks)), strict=True):
            axes.annotate(
                f"{n}", (tick, below), xycoords=("data", "axes fraction"), horizontalalignment="center",
                verticalalignment="center", color=look(place).colour, fontsize=8,
            )  # fmt: skip


def _draw_calls(axes: Axes, calls: pd.DataFrame, place: int, tau_s: float) -> None:
    drawn = look(place)
    raster = len(calls) > _MOST_VECTOR_MARKS
    answered, missed = calls[calls["answered"]], calls[~calls["answered"]]
    lane = np.full(len(missed), tau_s * 1.5)
    axes.scatter(
        answered["due_at_s"], answered["ring_to_answer_s"], s=16, marker=drawn.marker, color=drawn.colour,
        alpha=0.75, linewidths=0, rasterized=raster,
    )  # fmt: skip
    axes.scatter(
        missed["due_at_s"], lane, s=26, marker="x", color=drawn.colour, linewidths=1.6, rasterized=raster
    )
    for part, height in ((answered, answered["ring_to_answer_s"].to_numpy()), (missed, lane)):
        stalled = part["fault_kind"].notna().to_numpy()
        axes.scatter(
            part["due_at_s"][stalled], height[stalled], s=72, marker="o", facecolors="none", edgecolors=INK,
            linewidths=0.9, rasterized=raster,
        )  # fmt: skip


def _not_answered_interval(counted: pd.DataFrame, arm: str) -> tuple[float, float, float]:
    own = counted[counted["arm"] == arm]
    found = share(int((~own["answered"]).sum()), len(own))
    return found.value or 0.0, found.low or 0.0, found.high or 0.0
