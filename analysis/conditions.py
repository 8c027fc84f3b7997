"""What must match between runs before they may be compared, and what of it does not."""

from collections.abc import Mapping
from typing import Any

_RATES = ("calls", "calls_per_second", "duration_s", "max_concurrent")


def conditions_of(settings: Mapping[str, Any]) -> dict[str, object]:
    """The conditions that run.json tells of, as JSON knows them.

    Agents' and servers' versions, the seed and the time may differ. A search finds its loads itself, so of
    its plan only the ways of calling must match; the load of a smoke run is given. Before a run has its
    trunk, or its search its ceiling, those are left out.
    """
    conditions: dict[str, object] = {"format": settings["format"]}
    plan, search = dict(settings["plan"]), settings.get("capacity")
    hold_s = plan.pop("hold_s")
    if search is not None:
        plan = {key: value for key, value in plan.items() if key not in _RATES}
        conditions["search"] = {
            "axis": search["axis"],
            "search gate": list(search["search_gate"]),
            "smoke": search["start"] if search["smoke"] else None,
        }
    conditions |= {
        "plan": plan,
        "hold": hold_s,
        "tau": settings["tau_s"],
        "network": settings["network"]["spec"],
        "arms' kinds": [[arm["name"], arm["kind"]] for arm in settings["arms"]],
        "filter fault": [settings["filter_fault"], settings["bound_s"]],
        "host class": [settings["host"].get("cores"), _series(settings["host"].get("kernel"))],
    }
    if "trunk" in settings:
        conditions |= {"trunk kind": settings["trunk"]["kind"]}
    return conditions


def _series(kernel: str | None) -> str | None:
    """Its major and minor number: hosted runners take patch releases from one week to the next."""
    return None if kernel is None else ".".join(kernel.split(".")[:2])


def differing(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """The keys of either that are not the same in both."""
    return [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]
