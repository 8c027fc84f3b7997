"""A run folder, read: the only module of the analysis that touches files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from analysis.agents import AGENT_EVENT, agent_table
from analysis.calls import call_table
from analysis.conditions import conditions_of
from analysis.dose import dose_of
from analysis.errors import BrokenFileError, NewerFormatError, NotARunFolderError
from analysis.health import Second, health_tables
from analysis.leaks import left_behind
from analysis.lines import Line, Lines
from analysis.moments import deployment_offset
from analysis.records import RECORD, Closing, Format, Header, frame_of, records_table
from analysis.retransmissions import is_over_udp
from analysis.room_events import ROOM_EVENT, room_events
from analysis.rooms import room_table
from analysis.run import FORMAT, Arm, CallsFile, Clock, Plan, Run
from analysis.steps import plan_of, steps_of, with_steps
from analysis.trunk import TRUNK_CALL, trunk_table

_BLOCK_BYTES = 1 << 22
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_SECOND = msgspec.json.Decoder(Second)


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
    except (KeyError, TypeError, AttributeError, ValueError) as error:
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


def _blocks(path: Path) -> Iterator[bytes]:
    """A file in pieces that end with a whole line; none where there is no file."""
    if path.is_file():
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block + file.readline()


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a run beside those of the calls, and how much of each could be read."""

    folder: Path
    opened: dict[str, Lines[Any]] = field(default_factory=dict)

    def lines(self, name: str, decoder: msgspec.json.Decoder[Line]) -> Lines[Line]:
        """The lines of one, to be read once; none where there is no such file."""
        lines = self.opened[name] = Lines(_blocks(self.folder / name), decoder)
        return lines

    def unreadable(self) -> dict[str, int]:
        """How many lines of each, of all that has been read so far, were left out."""
        return {name: lines.cut for name, lines in self.opened.items() if lines.cut}


def _calls(worker: str, path: Path) -> tuple[CallsFile, pd.DataFrame, float]:
    """One worker's file, its records with the wall time of their zero, and how well its clock is known.

    Records without a header, which says when they were made, are counted and left out.
    """
    frame: list[Header | Closing | Format] = []
    lines = Lines(_blocks(path), RECORD, lambda line: frame.append(frame_of(line)))
    records = records_table(lines.batches())
    for line in frame:
        if isinstance(line, Format) and line.format > FORMAT:
            raise NewerFormatError(
                f"{path} was written in format {line.format} and this version reads up to {FORMAT}: "
                "update ringtime."
            )
    header = next((line for line in frame if isinstance(line, Header)), None)
    closing = next((line for line in reversed(frame) if isinstance(line, Closing)), None)
    file = CallsFile(
        worker=worker,
        records=len(records),
        closed=closing is not None,
        announced=closing.count if closing else None,
        cut_lines=lines.cut,
        missing=header is None,
    )
    if header is None:
        return file, records.iloc[:0].assign(zero_unix=0.0), 0.0
    return file, records.assign(zero_unix=header.unix - header.master_offset_s), header.master_offset_error_s


def _read(folder: Path, settings: dict[str, Any]) -> Run:
    read = [_calls(worker, path) for worker, path in _calls_files(folder, settings["workers"])]
    room_clock = settings["room_clock"] and Clock(**settings["room_clock"])
    offset_s = room_clock.offset_s if room_clock else 0.0
    files = _Files(folder)
    events = room_events(files.lines("room-events.jsonl", ROOM_EVENT).batches())
    rooms = room_table(events, offset_s=offset_s)
    agents = agent_table(files.lines("agent-events.jsonl", AGENT_EVENT), offset_s=offset_s)
    network = Lines(_blocks(folder / "network.jsonl"), _OBJECT)
    seconds = list(network)
    dose = dose_of(settings["run_id"], settings["network"], seconds, unreadable=network.cut)
    calls_table, duplicates = call_table(
        pd.concat([records for _, records, _ in read], ignore_index=True),
        rooms.merge(agents, how="left", on="room"),
        trunk_table(files.lines("trunk-calls.jsonl", TRUNK_CALL).batches()),
        dose,
        tau_s=settings["tau_s"],
        zero_unix=settings["clock"]["unix"],
        over_udp=is_over_udp(settings["trunk"]["uri"]),
    )
    kept = calls_table["recording"].dropna()
    outdone = [index for index, place in kept.items() if not (folder / place).is_file()]
    calls_table.loc[outdone, "recording"] = None
    search = plan_of(settings)
    steps = steps_of(files.lines("steps.jsonl", _OBJECT)) if search else ()
    health, loop_lag = health_tables(_health(files))
    faults, fault_switches = _faults(files), _fault_switches(files)
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
        conditions=conditions_of(settings),
        baseline=tuple(settings.get("baseline") or ()),
        options=settings["options"],
        versions=settings["versions"],
        host=settings["host"],
        dropped_dials=settings["dropped_dials"],
        room_clock=room_clock,
        livekit_clock=Clock(*deployment_offset(events)) if settings["observe"] == "poll" else None,
        worker_clock_error_s=max(error_s for _, _, error_s in read),
        files=tuple(file for file, _, _ in read),
        unreadable=files.unreadable(),
        duplicates=duplicates,
        calls=with_steps(calls_table, steps) if search else calls_table,
        faults=faults,
        fault_switches=fault_switches,
        health=health,
        loop_lag=loop_lag,
        searches=(search,) if search else (),
        steps=steps,
        left=left_behind(events) if settings["observe"] != "off" else None,
    )


def _calls_files(folder: Path, workers: list[str]) -> Iterator[tuple[str, Path]]:
    """Files of the workers that were to write one, then any that nobody announced."""
    found = {path.stem.removeprefix("calls-"): path for path in sorted(folder.glob("calls-*.jsonl"))}
    for worker in dict.fromkeys([*workers, *found]):
        yield worker, folder / f"calls-{worker}.jsonl"


def _faults(files: _Files) -> pd.DataFrame:
    rows = list(files.lines("faults.jsonl", _OBJECT))
    faults = pd.DataFrame.from_records(rows, columns=["unix", "arm", "room", "kind", "held_s"])
    return faults.astype({"unix": "float64", "held_s": "float64", "room": object})


def _fault_switches(files: _Files) -> pd.DataFrame:
    """What was asked for after the first of each arm, which is the run's own --filter-fault."""
    rows = list(files.lines("fault-switches.jsonl", _OBJECT))
    switches = pd.DataFrame.from_records(rows, columns=["unix", "arm", "filter_fault"])
    return switches[switches.duplicated("arm")].astype({"unix": "float64"})


def _health(files: _Files) -> Iterator[Second]:
    for path in sorted(files.folder.glob("health-*.jsonl")):
        yield from files.lines(path.name, _SECOND)
