"""From the answer to the first audible sound, as a picture: what a caller who was answered hears of it."""

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter

from analysis.exhibit import Exhibit, canvas, look
from analysis.figures import WIDTH_IN
from analysis.run import Run
from analysis.wording import number, percent


def greeting_curves(run: Run) -> Exhibit | None:
    """The share of answered calls that had a voice by each time, or None where media were not measured."""
    calls = run.counted()
    heard = {
        arm.name: np.sort(
            calls.loc[calls["arm"] == arm.name, "greeting_s"].dropna().to_numpy(dtype="float64")
        )
        for arm in run.arms
    }
    known = np.concatenate(list(heard.values()))
    known = known[np.isfinite(known) & (known > 0)]
    if not known.size:
        return None
    start_s, end_s = float(known.min()) * 0.8, float(known.max()) * 1.25
    told = []
    with canvas(WIDTH_IN, 2.7) as figure:
        axes = figure.add_subplot()
        for place, (name, waits) in enumerate(heard.items()):
            if not waits.size:
                continue
            drawn, came = look(place), waits[np.isfinite(waits)]
            share = np.arange(1, came.size + 1) / waits.size
            steps = np.concatenate([[start_s], np.maximum(came, start_s), [end_s]])
            axes.step(
                steps, np.concatenate([[0], share, share[-1:] if share.size else [0]]), where="post",
                color=drawn.colour, linestyle=drawn.dash, linewidth=2,
            )  # fmt: skip
            middle = waits[(waits.size - 1) // 2]
            told.append(
                f"{name}: half by {number(float(middle))} s, {percent(came.size / waits.size)} of "
                f"{waits.size} answered calls at all"
            )
            axes.annotate(
                told[-1], (0.99, 0.08 + 0.1 * (len(heard) - 1 - place)), xycoords="axes fraction",
                horizontalalignment="right", color=drawn.colour, fontweight="bold", fontsize=8.5,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlim(start_s, end_s)
        axes.set_ylim(-0.02, 1.04)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(np.geomspace(start_s, end_s, 6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("answered calls with a voice")
        axes.set_xlabel("seconds since the 200 (log scale)")
    return Exhibit(
        figure,
        "From answer to first audio",
        "Answered calls only, by energy and not by the first packet. A call that stayed silent never "
        "reaches the top; unanswered calls are not in it.",
        f"Share of answered calls with audible sound by seconds since the answer. {'; '.join(told)}.",
    )
