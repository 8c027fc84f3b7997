"""The dose: what the network did to packets each second, beside what was asked of it (network.jsonl)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

PLACE = ("leg", "profile", "direction")
LEGS = ("caller", "agent", "settings")
_WHEN = ("unix", "at_s")
LEG_COUNTS = (
    "offered",
    "outage",
    "unmapped",
    "too_large",
    "queue_full",
    "lost",
    "bursts",
    "reordered",
    "duplicated",
    "delivered",
)
_DELAYS = tuple(f"delay_ms_{name}" for name in ("asked_mean", "asked_deviation", "mean", "deviation"))
LEG_NUMBERS = (
    *LEG_COUNTS,
    "asked_loss",
    *_DELAYS,
    *(f"late_ms_{name}" for name in ("p50", "p99", "p999")),
)
PROBE_NUMBERS = ("sent", "not_as_asked", "lost_asked", "lost", "burst_asked", "burst", *_DELAYS)
PULSE_NUMBERS = ("cpu_s", "unread", "strangers")


@dataclass(frozen=True, slots=True)
class Heard:
    """What a caller's incoming voice met on the caller's leg: mean one-way delay, mean burst of losses."""

    delay_ms: float
    burst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """One run's dose; `executor` is None where every packet went its usual way.

    `legs` has one row a second, leg, profile and direction, `probes` the same from end to end, `pulse` one a
    second of the executor itself. `unreadable` lines of network.jsonl are left out.
    """

    run_id: str
    executor: str | None
    priority: str | None
    labels: tuple[str, ...]
    legs: pd.DataFrame
    probes: pd.DataFrame
    pulse: pd.DataFrame
    unreadable: int

    @property
    def profiles(self) -> tuple[str, ...]:
        """Names of the profiles that were asked for, each once, the clean ones left out."""
        parts = (part for label in self.labels for part in label.split(";"))
        names = (part.rpartition("=")[2] for part in parts)
        return tuple(dict.fromkeys(name for name in names if name != "clean"))

    def heard(self, label: str) -> Heard:
        """What the voice of a call with that label met; no delay and single losses where it is not known."""
        names = {part.removeprefix("caller=") for part in label.split(";")}
        down = self.legs[(self.legs["leg"] == "caller") & (self.legs["direction"] == "down")]
        own = down[down["profile"].isin(names)]
        delivered, bursts = own["delivered"].sum(), own["bursts"].sum()
        delay_ms = float((own["delay_ms_mean"] * own["delivered"]).sum() / delivered) if delivered else 0.0
        return Heard(delay_ms, float(own["lost"].sum() / bursts) if bursts else 1.0)


def dose_of(
    run_id: str, network: Mapping[str, object], lines: Iterable[object], *, unreadable: int = 0
) -> Dose:
    """A run's dose.

    Args:
        run_id: of the run.
        network: `network` of run.json; older runs name neither labels nor priority.
        lines: those of network.jsonl that are JSON.
        unreadable: how many were not.
    """
    rows: dict[str, list[Mapping[str, object]]] = {"leg": [], "probe": [], "executor": []}
    for line in lines:
        kind = line.get("kind") if isinstance(line, Mapping) else None
        if isinstance(line, Mapping) and kind in rows and _is_stamped(line):
            rows[kind].append(_flat(line))
        else:
            unreadable += 1
    executor, priority, labels = (network.get(name) for name in ("executor", "priority", "labels"))
    return Dose(
        run_id=run_id,
        executor=executor if isinstance(executor, str) else None,
        priority=priority if isinstance(priority, str) else None,
        labels=tuple(str(label) for label in labels) if isinstance(labels, list) else (),
        legs=_table(rows["leg"], (*_WHEN, *LEG_NUMBERS), PLACE),
        probes=_table(rows["probe"], (*_WHEN, *PROBE_NUMBERS), PLACE),
        pulse=_table(rows["executor"], (*_WHEN, *PULSE_NUMBERS), ()),
        unreadable=unreadable,
    )


def _is_stamped(line: Mapping[str, object]) -> bool:
    times = [line.get(name) for name in _WHEN]
    known = all(isinstance(when, int | float) and math.isfinite(when) for when in times)
    return known and (line["kind"] == "executor" or line.get("leg") in LEGS)


def _flat(line: Mapping[str, object]) -> dict[str, object]:
    inner = {
        f"{name}_{key}": value
        for name, values in line.items()
        if isinstance(values, Mapping)
        for key, value in values.items()
    }
    return {**line, **inner}


def _table(
    rows: list[Mapping[str, object]], numbers: tuple[str, ...], texts: tuple[str, ...]
) -> pd.DataFrame:
    """The rows with these columns; what an executor cannot tell is null, and missing (NaN) here."""
    table = pd.DataFrame.from_records(rows, columns=[*texts, *numbers])
    for name in numbers:
        table[name] = pd.to_numeric(table[name], errors="coerce").astype("float64")
    return table
