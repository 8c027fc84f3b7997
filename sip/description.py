"""What a run was asked to do and what it ran on, as run.json says it."""

import importlib.metadata
import os
import platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from network.spec import CLEAN
from sip.access import Access
from sip.declared import Observe
from sip.lab_process import LabReady
from sip.options import Options
from sip.record import FORMAT, Epoch
from sip.trunk import Trunk


@dataclass(frozen=True, slots=True)
class Target:
    """What is called: the trunk and its number for each arm, and from where; `lab` where it is one."""

    trunk: Trunk
    numbers: Mapping[str, str]
    access: Access | None = None
    lab: LabReady | None = None


def describe(
    run_id: str, options: Options, given: Mapping[str, Any], target: Target, *, workers: Sequence[str]
) -> dict[str, Any]:
    """`run.json` before the first call (`schemas/run.json`); `given` are the options as they came."""
    lab = target.lab
    agents = {arm.name: arm.agent for arm in lab.arms} if lab else {}
    now = Epoch.now()
    return {
        "run_id": run_id,
        "state": "running",
        "started_unix": now.unix,
        "ended_unix": None,
        "stop_reason": None,
        **planned(options),
        "setup_timeout_s": options.setup_timeout_s,
        "seed": options.seed,
        "arms": [
            {
                "name": arm.name,
                "kind": arm.kind,
                "number": target.numbers[arm.name],
                "agent": agents.get(arm.name, arm.agent),
            }
            for arm in options.arms
        ],
        "network": _network(options, lab),
        "gates": [{"name": each.name, "limit": each.limit} for each in options.gates],
        "baseline": list(options.baseline),
        "options": dict(given),
        "trunk": {
            "kind": lab.trunk_kind if lab else "remote",
            "uri": target.trunk.uri,
            "version": lab.trunk_version if lab else None,
        },
        "observe": options.observe,
        "versions": {**_versions(), **(lab.versions if lab else {})},
        "clock": {"unix": now.unix, "monotonic": now.monotonic},
        "workers": list(workers),
        "dropped_dials": 0,
        "room_clock": _room_clock(options.observe, lab),
    }


def planned(options: Options) -> dict[str, Any]:
    """What of `run.json` is known before anything is up: enough to tell which runs it may be held against."""
    return {
        "format": FORMAT,
        "plan": {
            "calls": options.calls,
            "calls_per_second": options.calls_per_second,
            "arrivals": options.arrivals,
            "warm_up": options.warm_up,
            "max_concurrent": options.max_concurrent,
            "hold_s": options.hold_s,
            "duration_s": options.duration_s,
        },
        "tau_s": options.ring_timeout_s,
        "arms": [{"name": arm.name, "kind": arm.kind} for arm in options.arms],
        "candidate": options.candidate,
        "filter_fault": options.filter_fault,
        "bound_s": options.bound_s,
        "network": _network(options, None),
        "host": _host(),
    }


def _network(options: Options, lab: LabReady | None) -> dict[str, Any]:
    emulated = lab.network if lab else None
    return {
        "spec": CLEAN if options.network.is_clean else str(options.network),
        "executor": emulated.executor if emulated else None,
        "priority": emulated.priority if emulated else None,
        "labels": list(options.network.labels),
    }


def _room_clock(observe: Observe, lab: LabReady | None) -> dict[str, float] | None:
    match observe:
        case Observe.OFF:
            return None
        case Observe.POLL:  # by a process of this host
            return {"offset_s": 0.0, "error_s": 0.0}
    return dict(lab.room_clock) if lab and lab.room_clock else None


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in ("ringtime", "locust", "pjsua2-python"):
        versions[package] = importlib.metadata.version(package)
    return versions


def _host() -> dict[str, Any]:
    return {
        "name": socket.gethostname(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
