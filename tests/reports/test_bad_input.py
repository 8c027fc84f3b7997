"""Run folders that something happened to: counted and shown, or refused with the reason."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reports.__main__ import main

WriteRun = Callable[..., Path]
NOT_VALID, UNDECIDED, FAILED, REFUSED = 4, 5, 3, 2


def _calls(folder: Path) -> Path:
    return folder / "calls-1.jsonl"


def _rewrite(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


def _edit_calls(folder: Path, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    def changed(line: str) -> str:
        record = json.loads(line)
        return json.dumps(change(record) if "call_id" in record else record)

    _rewrite(_calls(folder), lambda lines: [changed(line) for line in lines])


def _cut_last_line(folder: Path) -> None:
    _rewrite(_calls(folder), lambda lines: [*lines[:-2], lines[-2][:50]])


def _lose_a_file(folder: Path) -> None:
    (folder / "calls-2.jsonl").unlink()


def _newer_record(folder: Path) -> None:
    _rewrite(_calls(folder), lambda lines: [lines[0].replace('"format": 1', '"format": 2'), *lines[1:]])


def _newer_run(folder: Path) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))


def _answered_before_it_rang(folder: Path) -> None:
    def change(record: dict[str, object]) -> dict[str, object]:
        answered, ringing = record["answered_s"], record["ringing_s"]
        if isinstance(answered, float) and isinstance(ringing, float):
            return record | {"answered_s": ringing - 1.0}
        return record

    _edit_calls(folder, change)


def _room_an_hour_back(folder: Path) -> None:
    path = folder / "run.json"
    clock = {"offset_s": 3600.0, "error_s": 0.001}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"room_clock": clock}))


def _repeat_ids(folder: Path) -> None:
    _rewrite(_calls(folder), lambda lines: [*lines[:-1], lines[-3], lines[-2], lines[-1]])


def _no_run(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _not_json(folder: Path) -> None:
    (folder / "run.json").write_text("{")


def _nothing(_folder: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Case:
    """What happened to a run, what is said of it, how it ends, and how many calls stay counted."""

    happened: Callable[[Path], None]
    code: int
    said: str
    counted: int | None = None
    fields: dict[str, object] = field(default_factory=dict)


CASES = {
    "a cut last line": Case(_cut_last_line, NOT_VALID, "1 lines of worker 1 were cut and left out", 59),
    "a missing worker file": Case(
        _lose_a_file, NOT_VALID, "Worker 2 left no records", 30, {"workers": ("1", "2")}
    ),
    "a record of a newer format": Case(_newer_record, REFUSED, "was written in format 2"),
    "a run of a newer format": Case(_newer_run, REFUSED, "was written in format 2"),
    "a clock that ran backwards": Case(
        _answered_before_it_rang, NOT_VALID, "calls whose times run backwards", 60
    ),
    "a room's clock an hour off": Case(_room_an_hour_back, NOT_VALID, "calls whose times run backwards", 60),
    "an arm with no calls": Case(
        _nothing, NOT_VALID, "calls made in every arm", 1, {"calls": 1, "warm_up": 0}
    ),
    "no call answered": Case(
        _nothing, FAILED, "100 %", 60,
        {"stalled_share": 1.0, "arms": (("a", "unbounded"), ("b", "unbounded"))},
    ),
    "one call only": Case(
        _nothing, UNDECIDED, "Too few calls", 1,
        {"calls": 1, "warm_up": 0, "arms": (("one", "none"),), "stalled_share": 0.0},
    ),
    "no call": Case(_nothing, NOT_VALID, "calls made in every arm", 0, {"calls": 0, "warm_up": 0}),
    "repeated ids": Case(_repeat_ids, NOT_VALID, "2 records repeat a call id", 60),
    "a folder that is no run": Case(_no_run, REFUSED, "is not a run: it holds no run.json"),
    "a run.json that is none": Case(_not_json, REFUSED, "cannot be read as JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_damage_is_counted_or_refused(
    write_run: WriteRun, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and an exit code, no traceback; what is left is counted, and no call goes unsaid."""
    case = CASES[name]
    folder = write_run(**{"workers": ("1",), **case.fields})
    case.happened(folder)

    code = main([str(folder), "--no-html"])

    printed = capsys.readouterr()
    assert code == case.code
    if code == REFUSED:
        assert case.said in printed.err
        assert len(printed.err.splitlines()) == 1
        assert not (folder / "summary.json").exists()
        return
    document = json.loads((folder / "summary.json").read_text())
    shown = json.dumps([document["sentence"], document["warnings"], document["validity"]], ensure_ascii=False)
    assert case.said in shown
    assert case.said in (folder / "summary.md").read_text()
    assert sum(arm["calls"] for arm in document["arms"].values()) == case.counted
