"""Where the time went: chosen calls of each arm, cut into the stages that a call passes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis.causes import stage_durations
from analysis.exhibit import QUIET, Exhibit, canvas, look
from analysis.run import Run
from analysis.wording import number


@dataclass(frozen=True, slots=True)
class Stage:
    """How a stage is drawn: its grey and its strokes tell it from its neighbours without colour."""

    colour: str
    strokes: str = ""


# From the caller's side only, where rooms were not observed.
_COARSE = {
    "post-dial delay": Stage("#8b95a1", "\\\\\\"),
    "ringing": Stage("#d99a00"),
    "answer to audio": Stage("#8fd0bc", ".."),
}
FINE = {
    "post-dial delay": Stage("#8b95a1", "\\\\\\"),
    "room join": Stage("#d5dbe2"),
    "dispatch": Stage("#2f4085"),
    "agent active": Stage("#9cc3e6", "||"),
    "connect and publish": Stage("#d99a00"),
    "answer": Stage("#f3e2dd", "xx"),
    "answer to audio": Stage("#8fd0bc", ".."),
}
EDGE = "#3a4552"  # keeps 3:1 against white around the lightest stage
_SHORT_S = 2.0


def where_time_went(run: Run) -> Exhibit:
    """Typical, slow and abandoned calls of each arm as bars of stages: two seconds, and the whole call."""
    calls = run.counted()
    rows = [
        (f"{arm.name} · {label}", place, call)
        for place, arm in enumerate(run.arms)
        for label, call in _chosen(calls[calls["arm"] == arm.name])
    ]
    stages = FINE if run.rooms_observed else _COARSE
    with canvas(9.4, 1.15 + 0.34 * max(len(rows), 1)) as figure:
        near, far = figure.subplots(1, 2, sharey=True, width_ratios=[5, 6])
        for row, (_, place, call) in enumerate(rows):
            parts = _parts(calls.loc[[call]], observed=run.rooms_observed)
            _bar(near, row, parts, stages)
            end = _bar(far, row, parts, stages)
            answered = bool(calls.loc[call, "answered"])
            told = f"{number(end)} s" if answered else f"given up after {number(end)} s"
            far.annotate(
                told, (end, row), xytext=(5, 0), textcoords="offset points", verticalalignment="center",
                fontsize=8, color=look(place).colour,
            )  # fmt: skip
        near.set_yticks(range(len(rows)), [label for label, _, _ in rows])
        for tick, (_, place, _) in zip(near.get_yticklabels(), rows, strict=True):
            tick.set_color(look(place).colour)
        near.set_ylim(len(rows) - 0.4, -0.6)
        near.set_xlim(0, _SHORT_S)
        near.set_title("first two seconds")
        far.set_title("whole call")
        far.margins(x=0.22)
        far.set_xlim(left=0)
        for axes in (near, far):
            axes.grid(visible=False, axis="y")
            axes.set_xlabel("seconds since the INVITE")
        handles = [
            Patch(facecolor=stage.colour, hatch=stage.strokes, edgecolor=EDGE, linewidth=0.6, label=name)
            for name, stage in stages.items()
        ]
        handles.append(Patch(facecolor="none", edgecolor=QUIET, hatch="////", label="never ended"))
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=8,
            handlelength=1.1, columnspacing=1.2,
        )  # fmt: skip
    return Exhibit(
        figure,
        "Where the time went",
        "Real calls: the median one, the one at 95 %, the slowest answered, and a typical one that "
        "was given up. "
        "Hatched: the stage the call was in when the caller left.",
        "Stages of chosen calls by arm: " + "; ".join(label for label, _, _ in rows) + ".",
    )


def _chosen(calls: pd.DataFrame) -> list[tuple[str, int]]:
    """Labels and rows of the calls worth showing."""
    chosen = []
    answered = calls[calls["answered"]].sort_values("ring_to_answer_s")
    if len(answered):
        chosen += [
            (name, int(answered.index[int(np.ceil(q * len(answered))) - 1]))
            for name, q in (("median", 0.5), ("95 %", 0.95), ("slowest", 1.0))
        ]
    given_up = calls[~calls["answered"] & calls["gave_up_unix"].notna()]
    if len(given_up):
        lasted = (given_up["gave_up_unix"] - given_up["ringing_unix"]).sort_values(na_position="first")
        chosen.append(("not answered", int(lasted.index[len(lasted) // 2])))
    return chosen


def _parts(call: pd.DataFrame, *, observed: bool) -> list[tuple[str, float, bool]]:
    """Stage, seconds, and whether the caller left in it."""
    one = call.iloc[0]
    parts = [("post-dial delay", _seconds(one["post_dial_delay_s"]), False)]
    if observed and stage_durations(call).notna().any(axis=None):
        stages = stage_durations(call).iloc[0]
        parts += [
            (str(name), _seconds(value), False) for name, value in stages.items() if _seconds(value) > 0
        ]
    else:
        end = one["answered_unix"] if one["answered"] else one["gave_up_unix"]
        parts.append(
            ("connect and publish" if observed else "ringing", _seconds(end - one["ringing_unix"]), False)
        )
    if one["answered"]:
        parts.append(("answer to audio", _seconds(one["greeting_s"]), False))
    else:
        name, seconds, _ = parts[-1]
        parts[-1] = (name, seconds, True)
    return parts


def _seconds(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _bar(axes: Axes, row: int, parts: list[tuple[str, float, bool]], stages: Mapping[str, Stage]) -> float:
    start = 0.0
    for name, seconds, open_ended in parts:
        stage = stages[name]
        axes.barh(
            row, seconds, left=start, height=0.62, linewidth=0.6, edgecolor=EDGE,
            facecolor="none" if open_ended else stage.colour, hatch="////" if open_ended else stage.strokes,
        )  # fmt: skip
        start += seconds
    return start
