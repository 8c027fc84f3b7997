"""Whether the tester itself was good enough for its numbers to count, each check with its remedy."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.run import Run
from capacity.step import CPU_SHARE, DIAL_LAG_S, FAILED_SHARE, Tester


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `value` beside the `limit` it must keep, and what to do where it does not."""

    name: str
    ok: bool
    value: float | None
    limit: float | None
    remedy: str


@dataclass(frozen=True, slots=True)
class Shortfall:
    """How the tester fared in one step of a capacity run, and whether it was too `short` for its figures."""

    dial_lag_p99_s: float | None
    failed: int
    cpu_busiest: float | None
    loop_lag_p99_s: float | None
    short: bool


def shortfall_of(run: Run, attempts: pd.DataFrame, told: Tester | None) -> Shortfall:
    """By the calls of a step; by what was told of it where they are in no file.

    It was short where it dialled late or failed at calls itself, by the limits of a whole run. A busy
    processor alone is no fault of a step: where both sides share one, it is busy when the system is.
    """
    if attempts.empty and told is not None:
        return Shortfall(told.dial_lag_p99_s, told.dropped, told.cpu_busiest, None, short=False)
    failed = int((attempts["outcome"] == "tester_failed").sum())
    lag_s = _quantile(attempts["dial_lag_s"], 0.99)
    lags = _while_calling(run.loop_lag, attempts)["lag_s"].to_numpy(dtype="float64")
    return Shortfall(
        dial_lag_p99_s=lag_s,
        failed=failed,
        cpu_busiest=_busiest(_while_calling(run.health, attempts)),
        loop_lag_p99_s=lag_quantile(lags, 0.99),
        short=failed > FAILED_SHARE * len(attempts) or (lag_s is not None and lag_s > DIAL_LAG_S),
    )


def checks(run: Run) -> list[Check]:
    """All checks of a run; one that is not ok makes the verdict "not valid".

    Of a capacity run they are about the calls that are judged, for the search goes where the tester, too,
    may fall short; that each call of its steps has a record stands for its files, which an interruption
    leaves open.
    """
    attempts = run.attempts()
    placed = attempts if run.capacity is None else run.calls
    made = placed.loc[placed["outcome"] != "tester_failed", "arm"].value_counts()
    # A search may end before it comes to every arm.
    asked = [arm.name for arm in run.arms] if run.capacity is None else [run.candidate]
    fewest = min(int(made.get(arm, 0)) for arm in asked)
    failed = int((attempts["outcome"] == "tester_failed").sum())
    found = [
        Check(
            "calls made in every arm",
            fewest >= 1,
            fewest,
            1,
            "Look into the run's logs for why no call was placed, or give the run more calls.",
        ),
        *(_of_the_plan(run) if run.capacity is None else _of_the_steps(run)),
        at_most(
            "dial lag p99, s",
            _quantile(attempts["dial_lag_s"], 0.99),
            DIAL_LAG_S,
            "Calls left later than they were due: lower --calls-per-second, give the tester cores of its own "
            "(--processes, or workers on other machines), or leave the voice out (--media none).",
        ),
        at_most(
            "calls the tester failed",
            failed / len(attempts) if len(attempts) else 0.0,
            FAILED_SHARE,
            "Read the error field of the tester_failed records and the tester's logs.",
        ),
        at_most(
            "calls whose times run backwards",
            float(_backwards(attempts).sum()),
            0,
            "A clock was set during the run, or its offset was taken wrongly: keep all hosts on one time "
            "source (chrony) and run again; records are not to be edited.",
        ),
        at_most(
            "CPU of the busiest tester process (p95 of seconds)",
            _busiest(_while_calling(run.health, attempts)),
            CPU_SHARE,
            "Add --processes or workers on other machines, lower --calls-per-second, or leave the voice out "
            "(--media none) where signalling alone is in question.",
        ),
        at_most(
            "loop lag p99 of moments, s",
            lag_quantile(_while_calling(run.loop_lag, attempts)["lag_s"].to_numpy(dtype="float64"), 0.99),
            0.020,
            "Something else was using the tester's cores: run it alone, on another machine, or with the right"
            " to precede other processes (as root or with CAP_SYS_NICE).",
        ),
    ]
    if run.rooms_observed:
        found += _room_checks(run, attempts)
    return found


def _of_the_plan(run: Run) -> list[Check]:
    return [
        at_most(
            "dropped dials",
            run.dropped_dials / max(len(run.calls), run.dropped_dials, 1),
            FAILED_SHARE,
            "The tester was short of lines: lower --calls-per-second or --hold, raise --max-concurrent if it "
            "was given, or add --processes or workers on other machines.",
        ),
        at_most(
            "worker files not closed or not counted",
            float(sum(not file.whole for file in run.files)) if run.files else None,
            0,
            "A worker died or the disk was full: read its log, and run again.",
        ),
    ]


def _of_the_steps(run: Run) -> list[Check]:
    """An interruption leaves a file open, and calls of a step that is then taken anew."""
    asked = sum(step.calls for step in run.steps if step.first_call is not None)
    missing = asked - int(run.calls["step"].notna().sum())
    return [
        at_most(
            "calls of finished steps without a record",
            float(missing),
            0,
            "Records were lost: look for a full disk and for what ended the tester, and search again.",
        )
    ]


# In the order in which they happen, all seen by one clock.
_IN_ORDER = ("due_s", "invite_s", "ringing_s", "answered_s", "bye_s", "bye_answered_s")
_STAMPED_LATE_S = 0.005  # two processes of one machine stamp what they see
_ROOMS_STAMP_S = 1.0  # some servers stamp in whole seconds


def _backwards(attempts: pd.DataFrame) -> pd.Series:
    """Which calls have a step before the one it follows, or an agent that spoke before they were made."""
    times = attempts[[*_IN_ORDER]].to_numpy(dtype="float64")
    reached = np.fmax.accumulate(times, axis=1)  # skips what did not happen
    invited = attempts["zero_unix"] + attempts["invite_s"]
    early = attempts["agent_published_unix"] < invited - _ROOMS_STAMP_S
    before = (times < reached - _STAMPED_LATE_S).any(axis=1)
    return early | pd.Series(before, index=attempts.index)


def _room_checks(run: Run, attempts: pd.DataFrame) -> list[Check]:
    error = None if run.room_clock is None else run.room_clock.error_s + run.worker_clock_error_s
    answered = attempts[attempts["answered"]]
    joined = float(answered["room"].notna().mean()) if len(answered) else None
    return [
        Check(
            "clock offset to the room side known to, s",
            error is not None and error <= 0.020,
            error,
            0.020,
            "Keep both hosts on one time source (chrony), or observe from the tester's host.",
        ),
        Check(
            "answered calls joined to their rooms",
            joined is None or joined >= 0.99,
            joined,
            0.99,
            "Check that webhooks reach the observer, and that the trunk passes X-Lk-Test-Id on.",
        ),
    ]


def at_most(name: str, value: float | None, limit: float, remedy: str) -> Check:
    """Ok where the value is not known or within its limit."""
    return Check(name, value is None or value <= limit, value, limit, remedy)


def _quantile(values: pd.Series, q: float) -> float | None:
    known = values.dropna()
    return float(known.quantile(q, interpolation="higher")) if len(known) else None


def _while_calling(health: pd.DataFrame, attempts: pd.DataFrame) -> pd.DataFrame:
    """The health rows from the first dial to the last end: the tester's start is no measurement."""
    begun = (attempts["zero_unix"] + attempts["due_s"]).min()
    ended = (attempts["zero_unix"] + attempts["ended_s"]).max()
    # A row tells of the second before it.
    return health[health["unix"].between(begun, ended + 1)]


def _busiest(health: pd.DataFrame) -> float | None:
    """The CPU share that the busiest process exceeded in one second of twenty."""
    return None if health.empty else float(health.groupby("process")["cpu_share"].quantile(0.95).max())


def lag_quantile(largest_s: np.ndarray[tuple[int, ...], np.dtype[np.float64]], q: float) -> float | None:
    """The lag that an event coming at any moment exceeds with a chance of 1 - q.

    Args:
        largest_s: the largest lag of each second. A loop blocked for L seconds delays what comes in those L
            seconds, by L down to 0: the chance to wait longer than x is Σ max(0, L - x) / seconds.
        q: 0-1.
    """
    n = largest_s.size
    if n == 0:
        return None
    ordered = np.sort(largest_s)[::-1]
    budget = (1 - q) * n
    total = 0.0
    for count, lag in enumerate(ordered, start=1):
        total += float(lag)
        x = (total - budget) / count
        following = float(ordered[count]) if count < n else 0.0
        if x >= following:
            return max(0.0, x)
    return 0.0 if math.isfinite(total) else None
