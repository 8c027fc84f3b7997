"""Several runs side by side: each arm under its run's name, nothing pooled, unlike runs refused."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from analysis.conditions import differing
from analysis.errors import UnlikeRunsError
from analysis.leaks import in_all
from analysis.run import Arm, Run
from capacity.step import Phase


def side_by_side(runs: Sequence[Run]) -> Run:
    """One run as it is; several with arms `<arm>@<run id>`, of which the last run's candidate is judged.

    Calls of different runs share no block, so nothing across runs is randomised and no p is given.

    Raises:
        UnlikeRunsError: the runs differ in what must match (`analysis.conditions`), or one is named twice.
    """
    first, *others = runs
    if not others:
        return first
    for other in others:
        unlike = differing(first.conditions, other.conditions)
        if unlike:
            raise UnlikeRunsError(
                f"{first.run_ids[0]} and {other.run_ids[0]} must not be compared: they differ in "
                f"{', '.join(unlike)}. "
                "Repeat one of them with the other's options."
            )
    if len({run.run_ids for run in runs}) < len(runs):
        raise UnlikeRunsError("The same run is named twice: name each run once.")
    last = runs[-1]
    return replace(
        last,
        run_ids=tuple(run.run_ids[0] for run in runs),
        state="complete" if not any(run.cut for run in runs) else "cut",
        arms=tuple(_renamed(arm, run) for run in runs for arm in run.arms),
        candidate=_name(last.candidate, last),
        dropped_dials=sum(run.dropped_dials for run in runs),
        worker_clock_error_s=max(run.worker_clock_error_s for run in runs),
        doses=tuple(dose for run in runs for dose in run.doses),
        files=tuple(file for run in runs for file in run.files),
        unreadable=dict(sum((Counter(run.unreadable) for run in runs), Counter())),
        duplicates=sum(run.duplicates for run in runs),
        calls=pd.concat([_tagged(run.calls, run) for run in runs], ignore_index=True),
        faults=pd.concat([_tagged(run.faults, run) for run in runs], ignore_index=True),
        fault_switches=pd.concat([_tagged(run.fault_switches, run) for run in runs], ignore_index=True),
        health=pd.concat([run.health for run in runs], ignore_index=True),
        loop_lag=pd.concat([run.loop_lag for run in runs], ignore_index=True),
        searches=tuple(search for run in runs for search in run.searches),
        steps=tuple(
            step if step.phase is Phase.BASELINE else replace(step, arm=_name(step.arm, run))
            for run in runs
            for step in run.steps
        ),
        left=in_all([run.left for run in runs]),
    )


def _name(arm: str, run: Run) -> str:
    return f"{arm}@{run.run_ids[0]}"


def _renamed(arm: Arm, run: Run) -> Arm:
    return replace(arm, name=_name(arm.name, run))


def _tagged(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    return table.assign(arm=table["arm"] + f"@{run.run_ids[0]}")
