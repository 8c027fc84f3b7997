"""Calls that were lost with their worker."""

import json
import math
from pathlib import Path

import pytest

from sip.lost import lost_calls
from sip.outcome import Outcome
from sip.plan import Arrivals, Plan
from sip.record import CallRecord, Epoch
from tests.sip.shared import a_share

PLAN = Plan(calls=12, calls_per_second=1.0, arms=("a", "b"), seed=1, arrivals=Arrivals.CONSTANT)


def lost(folder: Path, stopped_s: float = math.inf) -> list[CallRecord]:
    """Of the second worker's calls, in a run that began at 1000 s."""
    epoch = Epoch(1000.0, 5000.0)
    share = a_share(index=1)
    return list(
        lost_calls(PLAN, share, folder, start_s=1000.0, stopped_s=stopped_s, epoch=epoch, worker="master")
    )


def test_each_call_of_the_share_that_left_no_record_has_one(tmp_path: Path) -> None:
    """Those that ended before the worker died are told by itself, also where its last line was cut."""
    told = [{"format": 1}, {"call_id": "run-1"}, {"call_id": "run-7"}]
    text = "\n".join(json.dumps(line) for line in told) + '\n{"call_id": "ru'
    (tmp_path / "calls-1.jsonl").write_text(text)

    records = lost(tmp_path)

    assert [record.call_id for record in records] == ["run-4", "run-10"]
    assert {record.outcome for record in records} == {Outcome.TESTER_FAILED}
    assert {record.error for record in records} == {"dropped: lost with worker 1"}
    assert [record.due_s for record in records] == pytest.approx([4.0, 10.0])
    assert [record.due_unix for record in records] == pytest.approx([5004.0, 5010.0])


def test_what_was_not_due_when_the_run_was_stopped_is_not_lost(tmp_path: Path) -> None:
    """A worker that died before its first call has no file at all."""
    assert [record.call_id for record in lost(tmp_path, stopped_s=1004.5)] == ["run-1", "run-4"]
