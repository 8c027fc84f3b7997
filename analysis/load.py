"""A run folder, read: the only module of the analysis that touches files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.agents import agent_table
from analysis.calls import WorkerRecords, call_table
from analysis.dose import dose_of
from analysis.errors import BrokenFileError, NewerFormatError, NotARunFolderError
from analysis.moments import deployment_offset
from analysis.retransmissions import is_over_udp
from analysis.rooms import room_table
from analysis.run import FORMAT, Arm, CallsFile, Clock, Plan, Run
from analysis.trunk import trunk_table


def load(folder: Path) -> Run:
    """Read a run folder (or a link to one).

    Raises:
        NotARunFolderError: there is no run.json.
        NewerFormatError: the run was written by a later version.
        BrokenFileError: run.json is not what it must be. Damage to the files of records is counted, never
            raised.
    """
    settings = _settings(folder)
    try:
        return _read(folder.resolve(), settings)
    except (KeyError, TypeError, AttributeError) as error:
        raise BrokenFileError(
            f"{folder} does not hold what a run must ({error!r}): was a file of it edited by hand?"
        ) from error


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    if not folder.is_dir():
        raise NotARunFolderError(f"There is no folder {folder}: name a run, such as runs/latest.")
    if not path.is_file():
        raise NotARunFolderError(
            f"{folder} is not a run: it holds no run.json. Name a folder such as runs/latest."
        )
    try:
        settings: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BrokenFileError(f"{path} cannot be read as JSON: {error}.") from error
    written = settings.get("format") if isinstance(settings, dict) else None
    if not isinstance(written, int):
        raise BrokenFileError(f"{path} names no format, so it was not written by a run of this tester.")
    if written > FORMAT:
        raise NewerFormatError(
            f"{folder} was written in format {written} and this version reads up to {FORMAT}: "
            f"update ringtime."
        )
    return settings


@dataclass(frozen=True, slots=True)
class _Lines:
    """The readable lines of a JSON Lines file, and how many were not."""

    values: list[dict[str, Any]]
    cut: int


def _lines(path: Path) -> _Lines:
    """Read a JSON Lines file; what follows the last newline was cut by a kill or a full disk: counted."""
    if not path.is_file():
        return _Lines([], 0)
    *whole, tail = path.read_bytes().split(b"\n")
    values, cut = [], int(bool(tail.strip()))
    for line in whole:
        try:
            value = json.loads(line)
        except ValueError:
            cut += 1
            continue
        values.append(value)
    return _Lines(values, cut)


def _read(folder: Path, settings: dict[str, Any]) -> Run:
    files, records, clock_errors = [], [], [0.0]
    for worker, path in _calls_files(folder, settings["workers"]):
        lines = _lines(path)
        header = next((line for line in lines.values if "monotonic" in line), None)
        closing = next((line for line in reversed(lines.values) if "closed" in line), None)
        if header is not None and header["format"] > FORMAT:
            raise NewerFormatError(
                f"{path} was written in format {header['format']} and this version reads up to {FORMAT}: "
                "update ringtime."
            )
        calls = [line for line in lines.values if "call_id" in line]
        files.append(
            CallsFile(
                worker=worker,
                records=len(calls),
                closed=closing is not None,
                announced=closing["count"] if closing else None,
                cut_lines=lines.cut,
                missing=header is None,
            )
        )
        if header is not None:
            records.append(WorkerRecords(header["unix"] - header["master_offset_s"], calls))
            clock_errors.append(header["master_offset_error_s"])
    room_clock = settings["room_clock"] and Clock(**settings["room_clock"])
    offset_s = room_clock.offset_s if room_clock else 0.0
    events = _lines(folder / "room-events.jsonl").values
    rooms = room_table(events, offset_s=offset_s)
    agents = agent_table(_lines(folder / "agent-events.jsonl").values, offset_s=offset_s)
    network = _lines(folder / "network.jsonl")
    dose = dose_of(settings["run_id"], settings["network"], network.values, unreadable=network.cut)
    calls_table, duplicates = call_table(
        records,
        rooms.merge(agents, how="left", on="room"),
        trunk_table(_lines(folder / "trunk-calls.jsonl").values),
        dose,
        tau_s=settings["tau_s"],
        zero_unix=settings["clock"]["unix"],
        over_udp=is_over_udp(settings["trunk"]["uri"]),
    )
    health, loop_lag = _health(folder)
    return Run(
        run_ids=(settings["run_id"],),
        state=settings["state"],
        stop_reason=settings["stop_reason"],
        started_unix=settings["started_unix"],
        ended_unix=settings["ended_unix"],
        tau_s=settings["tau_s"],
        setup_timeout_s=settings["setup_timeout_s"],
        bound_s=settings["bound_s"],
        seed=settings["seed"],
        plan=Plan(**settings["plan"]),
        arms=tuple(Arm(**arm, run_id=settings["run_id"]) for arm in settings["arms"]),
        candidate=settings["candidate"],
        filter_fault=settings["filter_fault"],
        network=settings["network"]["spec"],
        doses=(dose,),
        trunk_kind=settings["trunk"]["kind"],
        trunk_uri=settings["trunk"]["uri"],
        trunk_version=settings["trunk"]["version"],
        observe=settings["observe"],
        limits={gate["name"]: gate["limit"] for gate in settings["gates"]},
        options=settings["options"],
        versions=settings["versions"],
        host=settings["host"],
        dropped_dials=settings["dropped_dials"],
        room_clock=room_clock,
        livekit_clock=Clock(*deployment_offset(events)) if settings["observe"] == "poll" else None,
        worker_clock_error_s=max(clock_errors),
        files=tuple(files),
        duplicates=duplicates,
        calls=calls_table,
        faults=_faults(folder),
        fault_switches=_fault_switches(folder),
        health=health,
        loop_lag=loop_lag,
    )


def _calls_files(folder: Path, workers: list[str]) -> Iterator[tuple[str, Path]]:
    """Files of the workers that were to write one, then any that nobody announced."""
    found = {path.stem.removeprefix("calls-"): path for path in sorted(folder.glob("calls-*.jsonl"))}
    for worker in dict.fromkeys([*workers, *found]):
        yield worker, folder / f"calls-{worker}.jsonl"


def _faults(folder: Path) -> pd.DataFrame:
    rows = _lines(folder / "faults.jsonl").values
    faults = pd.DataFrame.from_records(rows, columns=["unix", "arm", "room", "kind", "held_s"])
    return faults.astype({"unix": "float64", "held_s": "float64", "room": object})


def _fault_switches(folder: Path) -> pd.DataFrame:
    """What was asked for after the first of each arm, which is the run's own --filter-fault."""
    rows = _lines(folder / "fault-switches.jsonl").values
    switches = pd.DataFrame.from_records(rows, columns=["unix", "arm", "filter_fault"])
    return switches[switches.duplicated("arm")].astype({"unix": "float64"})


def _health(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CPU of each tester process by second, and the loop lag by worker and second."""
    cpu, lag = [], []
    for path in sorted(folder.glob("health-*.jsonl")):
        for line in _lines(path).values:
            if line["loop_lag_s"] is not None:
                lag.append((line["unix"], line["loop_lag_s"]))
            cpu += [(line["unix"], entry["name"], entry["cpu_share"]) for entry in line["processes"]]
    table = pd.DataFrame.from_records(cpu, columns=["unix", "process", "cpu_share"])
    table = table.astype({"unix": "float64", "cpu_share": "float64"})
    return table, pd.DataFrame(lag, columns=["unix", "lag_s"], dtype="float64")
