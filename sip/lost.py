"""A record for each call that was lost with its worker: the tester's shortfall, kept and counted."""

import json
from collections.abc import Iterator
from pathlib import Path

from sip.plan import Plan
from sip.record import CallRecord, Epoch
from sip.share import Share
from sip.undialled import never_dialled


def lost_calls(
    plan: Plan, share: Share, folder: Path, *, start_s: float, stopped_s: float, epoch: Epoch, worker: str
) -> Iterator[CallRecord]:
    """Of a share's calls due before `stopped_s`, those that left no record in the share's file in `folder`.

    The plan began at `start_s`; the records are `worker`'s.
    """
    told = set(_call_ids(folder / f"calls-{share.worker}.jsonl"))
    for dial in plan.dials(share.index, share.of):
        call_id, due_s = f"{share.run_id}-{dial.index}", start_s + dial.due_s
        if due_s < stopped_s and call_id not in told:
            yield never_dialled(
                dial,
                call_id=call_id,
                number=share.numbers[dial.arm],
                due_s=due_s,
                epoch=epoch,
                worker=worker,
                error=f"dropped: lost with worker {share.worker}",
            )


def _call_ids(path: Path) -> Iterator[str]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue  # cut with its worker
            if "call_id" in record:
                yield record["call_id"]
