"""The options of a run: declared once, read from command line, environment or configuration, and checked."""

import argparse
import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from network.emulation import Executor
from network.errors import ProfileError
from network.spec import CLEAN, Choice, choose
from sip import arms, collector, gates
from sip.arms import ArmChoice
from sip.errors import UsageError
from sip.plan import Arrivals
from sip.trunk import Trunk

_LARGEST_CALLS = 10_000_000
_CREDENTIALS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
_PASSWORD = "RINGTIME_SIP_PASSWORD"  # noqa: S105 - the variable's name


class Observe(StrEnum):
    """How the rooms are watched."""

    WEBHOOK = "webhook"
    POLL = "poll"
    OFF = "off"


_FLAG: Mapping[str, Any] = {"action": "store_true"}
DECLARED: Mapping[str, Mapping[str, Any]] = {
    "trunk": {
        "metavar": "URI",
        "help": "SIP URI to call, such as sip:trunk.example.net (default: start the lab)",
    },
    "allow-remote": {**_FLAG, "help": "let --trunk be another machine: its calls may cost money"},
    "yes": {**_FLAG, "help": "do not ask before calling another machine"},
    "arms": {
        "metavar": "NAME[=KIND],…",
        "help": "builds to compare, the reference first; kinds in the lab: none, unbounded, bounded, "
        "deferred, vendor-0.2.6, vendor-0.3.2, each vendor-… with -bounded too, ffi:PATH (default: "
        "unbounded,bounded)",
    },
    "candidate": {"metavar": "NAME", "help": "the arm that the gates judge (default: the last one)"},
    "numbers": {"metavar": "NAME=NUMBER,…", "help": "with --trunk: the number that reaches each arm"},
    "agents": {
        "metavar": "NAME=AGENT,…",
        "help": "with --trunk, LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET: agents of that "
        "deployment to call; trunks and rules for --numbers (default: drawn from +1555010xxxx, where any "
        "number reaches it) are made there and removed at the end",
    },
    "sip-user": {"metavar": "USER", "help": "digest user; the password comes from RINGTIME_SIP_PASSWORD"},
    "calls": {"type": int, "default": 200, "help": "calls to place, warm-up not counted"},
    "calls-per-second": {"type": float, "default": 1.0, "help": "arrival rate"},
    "arrivals": {"default": "poisson", "choices": [*Arrivals], "help": "how calls are spread"},
    "warm-up": {"type": int, "default": 2, "help": "first calls of each arm, not in the figures"},
    "max-concurrent": {
        "type": int,
        "help": "calls up at once at the most; more are dropped (default: no limit)",
    },
    "hold": {"type": float, "default": 5.0, "help": "seconds from answer to hang-up"},
    "ring-timeout": {"type": float, "default": 60.0, "help": "seconds that a caller lets it ring"},
    "setup-timeout": {"type": float, "default": 32.0, "help": "seconds to wait for a first ring"},
    "stop-after-failures": {"type": int, "default": 50, "help": "give up after this many in a row"},
    "network": {
        "metavar": "SPEC",
        "default": CLEAN,
        "help": "the lab's network: NAME, or by leg caller=NAME;agent=NAME;settings=NAME; caller=A+B gives "
        "each call one of several; names: python -m network list, or a TOML file",
    },
    "network-executor": {
        "choices": [*Executor],
        "help": "what emulates that network (default: the best that can here)",
    },
    "filter-fault": {
        "metavar": "KIND[=S][:SHARE]",
        "help": "mistreat the lab's filter set-ups, several joined by +: silent:0.2+latency=2:0.3; kinds: "
        "docs/faults.md (default: none)",
    },
    "bound": {"type": float, "default": 5.0, "help": "deadline of the bounded arm, s"},
    "livekit-sip": {
        "metavar": "PATH",
        "help": "the lab's trunk; `embedded` is built in (default: what is on PATH)",
    },
    "observe": {
        "choices": [*Observe],
        "help": "how the rooms are watched (default: the lab by webhook, a deployment by poll where "
        "LIVEKIT_* are set, else off)",
    },
    "gates": {
        "metavar": "SPEC",
        "help": '"not_answered<=0.02,…" or a TOML file (default: [tool.ringtime.gates] of ./pyproject.toml, '
        "else those of docs/reading.md)",
    },
    "baseline": {
        "metavar": "RUN,…",
        "help": "kept runs that this one is held against: folders, or their summary.json",
    },
    "seed": {"type": int, "help": "of arrivals, arms and faults (default: drawn, and recorded)"},
    "run-dir": {"metavar": "DIR", "default": "runs", "help": "where run folders go"},
    "otlp": {
        "metavar": "URL",
        "help": "push the figures to an OpenTelemetry collector too, such as http://collector:4318; headers "
        "that it asks for come from RINGTIME_OTLP_HEADERS=name=value,…",
    },
    "no-report": {**_FLAG, "help": "write no HTML page; the verdict is there all the same"},
}
"""The options of `locustfiles/calls.py` by name, with what argparse wants to know of them."""


class Parser(Protocol):
    """What `argparse` and Locust's parser have in common."""

    def add_argument(self, *names: str, **settings: Any) -> Any:
        """Declare one option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Every option of a run in force, checked; durations in seconds."""

    trunk: Trunk | None
    allow_remote: bool
    yes: bool
    arms: tuple[ArmChoice, ...]
    candidate: str
    calls: int
    calls_per_second: float
    arrivals: Arrivals
    warm_up: int
    max_concurrent: int | None
    hold_s: float
    ring_timeout_s: float
    setup_timeout_s: float
    stop_after_failures: int
    network: Choice
    network_executor: Executor | None
    filter_fault: str | None
    bound_s: float
    livekit_sip: str | None
    observe: Observe
    gates: tuple[gates.Limit, ...]
    baseline: tuple[str, ...]
    seed: int
    run_dir: Path
    otlp: str | None
    report: bool
    duration_s: float | None

    @property
    def uses_lab(self) -> bool:
        """Whether the run brings up its own lab."""
        return self.trunk is None

    @property
    def provisions(self) -> bool:
        """Whether numbers are made for the run on somebody's deployment."""
        return any(arm.agent is not None for arm in self.arms)

    @property
    def arm_names(self) -> tuple[str, ...]:
        """Names in the order given, the reference first."""
        return tuple(arm.name for arm in self.arms)

    @property
    def peak_concurrent(self) -> int:
        """Calls that may be up at once if nobody answers: rate times the longest life, at most the plan."""
        longest_s = self.ring_timeout_s + self.hold_s
        peak = math.ceil(self.calls_per_second * longest_s * 1.3) + 4
        return min(peak, self.max_concurrent or peak, self.calls + self.warm_up * len(self.arms))


def declare(parser: Parser, declared: Mapping[str, Mapping[str, Any]] = DECLARED) -> None:
    """Declare every option, each with an environment variable RINGTIME_<NAME>."""
    for name, settings in declared.items():
        shown = " (default: %(default)s)" if "default" in settings else ""
        variable = f"RINGTIME_{name.upper().replace('-', '_')}"
        parser.add_argument(f"--{name}", env_var=variable, **{**settings, "help": settings["help"] + shown})


def as_given(
    namespace: argparse.Namespace, declared: Mapping[str, Mapping[str, Any]] = DECLARED
) -> dict[str, Any]:
    """The options as they came, by name; none of them is a secret."""
    return {name: getattr(namespace, name.replace("-", "_")) for name in declared}


def read(given: argparse.Namespace, environment: Mapping[str, str]) -> Options:
    """Check what was given; raises UsageError with the option's name, its value and what would do."""
    trunk = None
    if given.trunk:
        trunk = Trunk.parse(given.trunk, user=given.sip_user or None, password=environment.get(_PASSWORD))
        if not trunk.is_loopback and not given.allow_remote:
            raise UsageError(
                "--trunk", given.trunk, "it is not on this machine; add --allow-remote to call it"
            )
    elif given.sip_user:
        raise UsageError("--sip-user", given.sip_user, "the lab lets all callers in; it goes with --trunk")
    network = _network(given)
    seed = random.SystemRandom().getrandbits(32) if given.seed is None else given.seed
    observe = _observe(given, environment)
    if trunk is None:
        chosen = arms.of_lab(given.arms, given.numbers)
    elif given.agents:
        chosen = arms.of_agents(trunk, given.arms, given.numbers, given.agents, seed=seed)
    else:
        chosen = arms.of_trunk(trunk, given.arms, given.numbers)
    names = [arm.name for arm in chosen]
    if given.candidate and given.candidate not in names:
        raise UsageError("--candidate", given.candidate, f"name one of the arms: {', '.join(names)}")
    _within("--calls", given.calls, 0, _LARGEST_CALLS)
    _within("--calls-per-second", given.calls_per_second, 0.001, 10_000)
    _within("--warm-up", given.warm_up, 0, 10_000)
    _within("--hold", given.hold, 0, 86_400)
    _within("--ring-timeout", given.ring_timeout, 0.1, 3600)
    _within("--setup-timeout", given.setup_timeout, 0.1, 3600)
    _within("--bound", given.bound, 0.001, 3600)
    _within("--stop-after-failures", given.stop_after_failures, 1, _LARGEST_CALLS)
    if given.max_concurrent is not None:
        _within("--max-concurrent", given.max_concurrent, 1, 100_000)
    if trunk and given.filter_fault:
        raise UsageError(
            "--filter-fault", given.filter_fault, "only the lab's agents can be mistreated: leave out --trunk"
        )
    return Options(
        trunk=trunk,
        allow_remote=given.allow_remote,
        yes=given.yes,
        arms=chosen,
        candidate=given.candidate or names[-1],
        calls=given.calls,
        calls_per_second=given.calls_per_second,
        arrivals=Arrivals(given.arrivals),
        warm_up=given.warm_up,
        max_concurrent=given.max_concurrent,
        hold_s=given.hold,
        ring_timeout_s=given.ring_timeout,
        setup_timeout_s=given.setup_timeout,
        stop_after_failures=given.stop_after_failures,
        network=network,
        network_executor=Executor(given.network_executor) if given.network_executor else None,
        filter_fault=None if given.filter_fault in ("", "none") else given.filter_fault,
        bound_s=given.bound,
        livekit_sip=given.livekit_sip or None,
        observe=observe,
        gates=gates.read(given.gates or None),
        baseline=gates.baselines(given.baseline),
        seed=seed,
        run_dir=Path(given.run_dir),
        otlp=collector.read(given.otlp) if given.otlp else None,
        report=not given.no_report,
        duration_s=seconds(given.run_time),
    )


def _network(given: argparse.Namespace) -> Choice:
    try:
        choice = choose(given.network)
    except ProfileError as error:
        raise UsageError("--network", given.network, str(error)) from error
    if given.trunk and not choice.is_clean:
        raise UsageError(
            "--network",
            given.network,
            "only the lab can be put behind an emulated network: leave out --trunk",
        )
    return choice


def _observe(given: argparse.Namespace, environment: Mapping[str, str]) -> Observe:
    missing = [name for name in _CREDENTIALS if not environment.get(name)]
    unset = f"set {' and '.join(missing)} in the environment to say which deployment"
    if given.agents and not given.trunk:
        raise UsageError("--agents", given.agents, "the lab runs its own; it goes with --trunk")
    if given.agents and missing:
        raise UsageError("--agents", given.agents, unset)
    if given.observe == Observe.POLL and given.trunk and missing:
        raise UsageError("--observe", given.observe, unset)
    if given.observe == Observe.WEBHOOK and given.trunk:
        remedy = "a deployment's webhooks do not reach this tester; with --trunk it is poll or off"
        raise UsageError("--observe", given.observe, remedy)
    if given.observe:
        return Observe(given.observe)
    if given.trunk:
        return Observe.OFF if missing else Observe.POLL
    return Observe.WEBHOOK


def _within(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for NaN too
        raise UsageError(option, value, f"give a number from {low:g} to {high:g}")


def seconds(run_time: object) -> float | None:
    """Locust's -t: seconds once Locust has read it, words such as `5m` before."""
    if run_time in (None, "", 0):
        return None
    if isinstance(run_time, int | float):
        return float(run_time)
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", str(run_time))
    seconds = (
        sum(int(part or 0) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True))
        if parts
        else 0
    )
    if seconds <= 0:
        raise UsageError("--run-time", run_time, "write it as 300s, 20m or 1h30m")
    return float(seconds)
