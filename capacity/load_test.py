"""The load test of `locustfiles/capacity.py`: a new search, or one that goes on where it was cut."""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from capacity import options
from capacity.course import STEPS, Ascent
from capacity.loopback import Baseline
from capacity.options import DECLARED, CapacityOptions
from capacity.step import Decision, Step, call_number
from sip.course import Prepared
from sip.declared import Observe
from sip.errors import UsageError
from sip.options import Options

_ROOMS_S = 25.0  # LiveKit's own departure_timeout is 20 s
_ROOMS_OF_LAB_S = 8.0
_ANEW = ("resume", "budget", "yes", "allow_remote", "no_report", "otlp")  # as given, whatever it was before


class Capacity:
    """How much a deployment carries before callers notice."""

    declared = DECLARED

    def read(self, given: Namespace, environment: Mapping[str, str]) -> Prepared:
        """Check what was given; raises UsageError."""
        if not given.resume:
            chosen = options.read(given, environment)
            return Prepared(
                chosen.options,
                _announcement(chosen),
                lambda _index, _of: _course(chosen),
                chosen.route.at_once,
            )
        folder = Path(given.resume).resolve()
        run = _run(folder, given.resume)
        chosen = options.read(_as_before(run, given), environment)
        chosen = replace(chosen, options=replace(chosen.options, seed=run["seed"]))
        steps = list(_steps(folder, given.resume))
        resumed = run["capacity"]["resumed"] + 1
        first = 1 + max(_numbers(folder), default=-1)

        def course(_index: int, _of: int) -> Ascent:
            return _course(chosen, before=steps, first_call=first, resumed=resumed)

        return Prepared(chosen.options, _announcement(chosen), course, chosen.route.at_once, resumed=folder)


def _course(
    chosen: CapacityOptions, *, before: list[Step] | None = None, first_call: int = 0, resumed: int = 0
) -> Ascent:
    return Ascent(
        chosen.route,
        seed=chosen.options.seed,
        arrivals=chosen.options.arrivals,
        baseline=None if chosen.route.smoke else Baseline(chosen.route),
        linger_s=_linger_s(chosen.options),
        before=before or (),
        first_call=first_call,
        resumed=resumed,
    )


def _linger_s(chosen: Options) -> float:
    """How long rooms may take to close once everybody has left them."""
    if chosen.observe is Observe.OFF:
        return 0.0
    return _ROOMS_OF_LAB_S if chosen.uses_lab else _ROOMS_S


def _announcement(chosen: CapacityOptions) -> str:
    route = chosen.route
    rate = route.calls_per_second(route.start if route.smoke else route.ceiling)
    if route.smoke:
        stretch = route.fixed(route.cells[0])
        return f"This places {(stretch.calls + stretch.warm_up) * len(route.cells)} calls at {rate:g}/s"
    return f"For up to {route.budget_s / 60:g} minutes this places up to {rate:g} calls/s"


def _run(folder: Path, named: str) -> dict[str, Any]:
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text())
    except (OSError, ValueError) as error:
        raise UsageError("--resume", named, f"it is no run's folder ({error})") from error
    if not run.get("capacity"):
        raise UsageError("--resume", named, "it was no search for a capacity: give the folder of one")
    if run["capacity"]["smoke"]:
        raise UsageError("--resume", named, "a smoke test is one step: run it again")
    if run["state"] == "complete":
        raise UsageError("--resume", named, "it came to its end: begin a new one")
    return run


def _as_before(run: Mapping[str, Any], given: Namespace) -> Namespace:
    """The options of the part before; a new budget is for both parts together."""
    before = {name.replace("-", "_"): value for name, value in run["options"].items()}
    kept = {name: value for name, value in before.items() if name not in _ANEW}
    budget = given.budget or before.get("budget")
    return Namespace(**{**vars(given), **kept, "budget": budget, "seed": run["seed"]})


def _steps(folder: Path, named: str) -> Iterator[Step]:
    """The steps that came to an end; the one that was cut is taken again."""
    for line in _lines(folder / STEPS):
        try:
            step = Step.of(line)
        except ValueError as error:
            raise UsageError("--resume", named, f"its {STEPS} cannot be read: {error}") from error
        if step.decision is not Decision.CUT:
            yield step


def _numbers(folder: Path) -> Iterator[int]:
    for path in folder.glob("calls-*.jsonl"):
        for line in _lines(path):
            if "call_id" in line:
                yield call_number(line["call_id"])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a file; the last one may have been cut."""
    if not path.is_file():
        return
    text = path.read_text()
    for line in text[: text.rfind("\n") + 1].splitlines():
        yield json.loads(line)
