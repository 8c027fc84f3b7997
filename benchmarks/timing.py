"""How exact the times of calls are: those on record against a capture of the same packets.

Its peers are SIPp, whose own response times are held against the same kind of capture in the same run, and a
process that does nothing but take the times of packets.
"""

import argparse
import functools
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import sipp, wakeup
from benchmarks.busy import busy
from benchmarks.capture import captured
from benchmarks.errors import BenchmarkError
from benchmarks.ladder import Step, errors_ms, ladders, lateness_ms
from sip.campaign import Campaign, Settings
from sip.media import Media
from sip.phase import Limits
from sip.plan import Plan
from sip.pool import Pool
from sip.priority import raised_priority
from sip.record import CallRecord, Epoch
from sip.trunk import Trunk

_DURATIONS = {
    "post_dial_delay": (Step.INVITE, Step.RINGING),
    "ring_to_answer": (Step.RINGING, Step.ANSWERED),
    "disconnect_delay": (Step.BYE, Step.BYE_ANSWERED),
}
_BY_SIPP = ("post_dial_delay", "ring_to_answer")
_LIMITS = Limits(hold_s=0.2, ring_timeout_s=5.0, setup_timeout_s=5.0)
_LASTS_S = 0.8  # a call, where the far end is in time: it rings for 0.25 s at the most
_ARM = "a"


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this benchmark."""
    parser.add_argument("--calls-per-second", type=float, default=200.0, help="default: %(default)g")
    parser.add_argument(
        "--seconds", type=float, default=10.0, metavar="S", help="of each measurement (default: %(default)g)"
    )
    parser.add_argument(
        "--busy",
        type=int,
        nargs="+",
        default=[0, os.cpu_count() or 1],
        metavar="N",
        help="processes that use all CPU they get beside it, a measurement each (default: 0 and one a core)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals (default: %(default)d)")


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """For each number of busy processes a line for ringtime by each way of media, SIPp, and the floor.

    Raises:
        BenchmarkError: Packets cannot be captured here, SIPp is missing, or no call was answered.
    """
    calls = round(options.calls_per_second * options.seconds)
    if calls < 1:
        raise BenchmarkError("nothing to measure: give more --calls-per-second or --seconds")
    plan = Plan(calls=calls, calls_per_second=options.calls_per_second, arms=(_ARM,), seed=options.seed)
    for processes in options.busy:
        for tester, measured in _TESTERS:
            with tempfile.TemporaryDirectory(prefix="ringtime-benchmark-") as folder, busy(processes):
                found = measured(plan, Path(folder))
            yield {"tester": tester, "busy": processes, **found}


def _ringtime(media: Media, plan: Plan, folder: Path) -> dict[str, Any]:
    with sipp.answering(folder) as port, captured(port) as packets:
        records, epoch, priority = _placed(plan, Trunk.parse(f"sip:127.0.0.1:{port}"), folder, media)
    whole = [record for record in records if record.bye_answered_s is not None]
    if not whole:
        raise BenchmarkError(f"every call failed, the first as {records[0].outcome} ({records[0].error})")
    seen = ladders(packets, far_port=port)
    late = {step: _sizes(lateness_ms(whole, seen, step, epoch)) for step in Step if step is not Step.CANCEL}
    return {
        "media": media,
        "priority": priority,
        "calls": len(whole),
        "lost": len(records) - len(whole),
        **{f"{name}_error_ms": _sizes(errors_ms(whole, seen, *steps)) for name, steps in _DURATIONS.items()},
        "late_ms": late,
        "dial_lag_ms": _sizes([1e3 * ((record.invite_s or 0.0) - record.due_s) for record in whole]),
    }


def _placed(plan: Plan, trunk: Trunk, folder: Path, media: Media) -> tuple[Sequence[CallRecord], Epoch, str]:
    """The records of all calls, from when their times count, and what precedence the workers had."""
    records: list[CallRecord] = []
    at_once = math.ceil(plan.calls_per_second * _LASTS_S)
    with Pool(trunk, log_folder=folder, concurrent=at_once, media=media) as pool, raised_priority():
        epoch = Epoch.now()
        settings = Settings(run_id="timing", numbers={_ARM: "100"}, limits=_LIMITS)
        campaign = Campaign(pool, settings, epoch=epoch, worker="w", on_record=records.append)
        priority = _priority([load.pid for load in pool.health().processes if load.name.startswith("worker")])
        campaign.place(plan.dials(), start_s=time.monotonic())
        while not campaign.done:
            pool.wait(campaign.step(time.monotonic()) - time.monotonic())
    return records, epoch, priority


def _priority(workers: Sequence[int]) -> str:
    if {os.sched_getscheduler(pid) for pid in workers} == {os.SCHED_RR}:
        return "first"
    return "favoured" if all(os.getpriority(os.PRIO_PROCESS, pid) < 0 for pid in workers) else "ordinary"


def _sipp(plan: Plan, folder: Path) -> dict[str, Any]:
    with sipp.answering(folder) as port, captured(port) as packets:
        told = sipp.response_times_ms(
            port, calls=plan.calls, calls_per_second=plan.calls_per_second, folder=folder
        )
    seen = ladders(packets, far_port=port)
    errors = {}
    for name in _BY_SIPP:
        # SIPp names no call: its times are in the order in which it took them.
        steps = sorted((ladder[_DURATIONS[name][1]], ladder[_DURATIONS[name][0]]) for ladder in seen.values())
        if len(told[name]) != len(steps):
            raise BenchmarkError(f"SIPp took {len(told[name])} times of {name} in {len(steps)} calls")
        pairs = zip(told[name], steps, strict=True)
        errors[f"{name}_error_ms"] = _sizes(
            [told_ms - (until - since) / 1e6 for told_ms, (until, since) in pairs]
        )
    return {"calls": len(seen), **errors}


def _bare(plan: Plan, _: Path) -> dict[str, Any]:
    return {"packets": plan.calls, "late_ms": _sizes(wakeup.lateness_ms(plan.calls, plan.calls_per_second))}


_TESTERS: Sequence[tuple[str, Callable[[Plan, Path], dict[str, Any]]]] = (
    *(("ringtime", functools.partial(_ringtime, media)) for media in Media),
    ("sipp", _sipp),
    ("bare", _bare),
)


def _sizes(errors: Sequence[float]) -> dict[str, float]:
    """Quantiles of the size of errors, and the median with its sign."""
    sizes = sorted(map(abs, errors))
    return {"p50": _at(sizes, 0.5), "p99": _at(sizes, 0.99), "bias": _at(sorted(errors), 0.5)}


def _at(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4)
