"""The dose as a picture: delay and loss on each leg over the run, asked for as a line, delivered as marks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

from analysis.dose import LEGS, Dose
from analysis.exhibit import QUIET, Exhibit, canvas, look
from analysis.run import Run
from analysis.wording import number, percent

_MOST_STEPS = 240
_LEAST_PACKETS = 10  # for a share of them
_DIRECTIONS = (("up", 1), ("down", 0))


def dose_over_time(run: Run) -> Exhibit | None:
    """Two panels for each leg and profile that did something, or None where none did."""
    rows = [
        (title, table) for dose in run.doses for title, table in _chosen(dose, several=len(run.doses) > 1)
    ]
    if not rows:
        return None
    with canvas(9.4, 0.6 + 1.5 * len(rows)) as figure:
        panels = figure.subplots(len(rows), 2, sharex=True, squeeze=False)
        for (delay, loss), (title, table) in zip(panels, rows, strict=True):
            step_s = _step_s(table)
            for direction, place in _DIRECTIONS:
                own = _binned(table[table["direction"] == direction], step_s)
                _draw(delay, own, "delay_ms", place)
                _draw(loss, own, "loss", place)
            delay.set_title(title)
            delay.set_ylabel("delay, ms")
            loss.set_ylabel("packets lost")
            loss.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            delay.set_ylim(bottom=0)
            loss.set_ylim(-0.005, max(0.04, loss.get_ylim()[1]))
        _directions(panels[0, 1])
        for axes in panels[-1]:
            axes.set_xlabel("minutes since the profiles came into force")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{int(x // 60)}:{int(x % 60):02d}"))
    return Exhibit(
        figure,
        "The dose, second by second",
        "Line: what the profile asked for, of the packets that came. Marks: what was delivered. One-way, "
        "from inside the executor; a second with fewer than ten packets has no mark of loss, and a "
        "long run is drawn in longer steps. Legs that were clean are left out.",
        f"Delay and loss over the run. {_told(rows)}",
    )


def _chosen(dose: Dose, *, several: bool) -> list[tuple[str, pd.DataFrame]]:
    legs = dose.legs[dose.legs["profile"] != "clean"]
    places = sorted(legs.groupby(["leg", "profile"], sort=False), key=lambda each: LEGS.index(each[0][0]))
    return [
        (f"{leg} · {profile}{f' · {dose.run_id}' if several else ''}", table)
        for (leg, profile), table in places
    ]


def _step_s(table: pd.DataFrame) -> int:
    return max(1, int(np.ceil((table["at_s"].max() + 1) / _MOST_STEPS)))


def _binned(legs: pd.DataFrame, step_s: int) -> pd.DataFrame:
    """Means over steps of time, each second as often as it had packets."""
    sent, came = legs["delivered"], legs["offered"]
    weighted = pd.DataFrame(
        {
            "came": came,
            "at_s": legs["at_s"] * came,
            "asked_loss": legs["asked_loss"] * came,
            "loss": legs["lost"] + legs["outage"],
            "sent": sent.where(legs["delay_ms_mean"].notna(), 0),
            "delay_ms": legs["delay_ms_mean"] * sent,
            "asked_delay_ms": legs["delay_ms_asked_mean"] * sent,
        }
    )
    sums = weighted.groupby((legs["at_s"] // step_s).astype("int64")).sum(min_count=1)
    for name, weight in (("at_s", "came"), ("asked_loss", "came"), ("loss", "came"),
                         ("delay_ms", "sent"), ("asked_delay_ms", "sent")):  # fmt: skip
        sums[name] = sums[name] / sums[weight].where(sums[weight] > 0)
    sums["loss"] = sums["loss"].where(sums["came"] >= _LEAST_PACKETS)
    return sums


def _draw(axes: Axes, own: pd.DataFrame, name: str, place: int) -> None:
    drawn = look(place)
    axes.plot(own["at_s"], own[f"asked_{name}"], color=drawn.colour, linestyle=drawn.dash, linewidth=1.1)
    axes.plot(
        own["at_s"], own[name], drawn.marker, color=drawn.colour, markersize=3, alpha=0.7, markeredgewidth=0
    )


def _directions(axes: Axes) -> None:
    for direction, place in _DIRECTIONS:
        drawn = look(place)
        axes.plot(
            [], [], drawn.marker, color=drawn.colour, linestyle=drawn.dash, label=direction, markersize=4
        )
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 0.98), labelcolor=QUIET)


def _told(rows: Sequence[tuple[str, pd.DataFrame]]) -> str:
    said = []
    for title, table in rows:
        lost = (table["lost"] + table["outage"]).sum() / max(table["offered"].sum(), 1)
        sent = table["delivered"].sum()
        mean_ms = (table["delay_ms_mean"] * table["delivered"]).sum() / sent if sent else None
        said.append(f"{title}: {number(mean_ms)} ms and {percent(float(lost))} lost on average")
    return "; ".join(said) + "."
