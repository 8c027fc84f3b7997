"""The options of a run in force: read from command line, environment or configuration, and checked."""

import argparse
import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from network.emulation import Executor
from network.errors import ProfileError
from network.spec import Choice, choose
from sip import arms, collector, gates, own_trunk, recording, source
from sip.access import Block
from sip.arms import ArmChoice
from sip.declared import Observe
from sip.digits import EACH_S
from sip.errors import UsageError
from sip.media import Media
from sip.plan import Arrivals
from sip.srtp import Srtp
from sip.trunk import Trunk
from sip.wav import Wav, WavError

_USUAL_RING_S = 2.0
_LARGEST_CALLS = 10_000_000
_CREDENTIALS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Every option of a run in force, checked; durations in seconds."""

    trunk: Trunk | None
    source: Block | None
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
    agent_processes: int | None
    livekit_sip: str | None
    observe: Observe
    gates: tuple[gates.Limit, ...]
    baseline: tuple[str, ...]
    seed: int
    run_dir: Path
    otlp: str | None
    report: bool
    media: Media
    voice: Wav | None
    record: recording.Choice | None
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
    def usual_concurrent(self) -> int:
        """Calls up at once where callers are answered as they should be, within seconds."""
        return min(math.ceil(self.calls_per_second * (self.hold_s + _USUAL_RING_S)), self.peak_concurrent)

    @property
    def peak_concurrent(self) -> int:
        """Calls that may be up at once if nobody answers: rate times the longest life, at most the plan."""
        longest_s = self.ring_timeout_s + self.hold_s
        peak = math.ceil(self.calls_per_second * longest_s * 1.3) + 4
        return min(peak, self.max_concurrent or peak, self.calls + self.warm_up * len(self.arms))


def read(given: argparse.Namespace, environment: Mapping[str, str]) -> Options:
    """Check what was given; raises UsageError with the option's name, its value and what would do."""
    trunk = own_trunk.read(given, environment)
    network = _network(given)
    media = _media(given)
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
    _check_numbers(given)
    if trunk:
        for option in ("filter_fault", "agent_processes"):
            if value := getattr(given, option):
                remedy = "only the lab's agents can be mistreated or limited: leave out --trunk"
                raise UsageError(f"--{option.replace('_', '-')}", value, remedy)
    return Options(
        trunk=trunk,
        source=source.read(given.source) if given.source else None,
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
        agent_processes=given.agent_processes,
        livekit_sip=given.livekit_sip or None,
        observe=observe,
        gates=gates.read(given.gates or None),
        baseline=gates.baselines(given.baseline),
        seed=seed,
        run_dir=Path(given.run_dir),
        otlp=collector.read(given.otlp) if given.otlp else None,
        report=not given.no_report,
        media=media,
        voice=_voice(given),
        record=_record(given, media),
        duration_s=seconds(given.run_time),
    )


def _media(given: argparse.Namespace) -> Media:
    encrypted = given.srtp not in (None, "", Srtp.OFF)
    if given.media == Media.NONE and encrypted:
        raise UsageError("--media", given.media, f"there is nothing that --srtp {given.srtp} would encrypt")
    if given.media == Media.PUMP and encrypted:
        raise UsageError("--media", given.media, f"--srtp {given.srtp} needs pjsua2, the SIP stack's own")
    if given.media == Media.NONE and given.dtmf:
        raise UsageError("--media", given.media, "digits go the way of the voice: leave out --dtmf")
    if given.dtmf and given.hold < (keyed_s := len(given.dtmf) * EACH_S):
        raise UsageError("--hold", given.hold, f"to key in --dtmf {given.dtmf} takes {keyed_s:g} s: raise it")
    return Media(given.media or (Media.PJSUA2 if encrypted else Media.PUMP))


def _voice(given: argparse.Namespace) -> Wav | None:
    if not given.voice:
        return None
    if given.media == Media.NONE:
        raise UsageError("--media", given.media, "there is nobody to say it: leave out --voice")
    try:
        return Wav.read(Path(given.voice))
    except WavError as error:
        raise UsageError("--voice", given.voice, str(error)) from error


def _record(given: argparse.Namespace, media: Media) -> recording.Choice | None:
    if given.record in (None, "", "none"):
        return None
    if media is not Media.PUMP:
        raise UsageError("--record", given.record, f"with --media {media} nothing is kept: it needs the pump")
    try:
        return recording.read(given.record)
    except ValueError as error:
        raise UsageError("--record", given.record, str(error)) from error


def _check_numbers(given: argparse.Namespace) -> None:
    within("--calls", given.calls, 0, _LARGEST_CALLS)
    within("--calls-per-second", given.calls_per_second, 0.001, 10_000)
    within("--warm-up", given.warm_up, 0, 10_000)
    within("--hold", given.hold, 0, 86_400)
    within("--ring-timeout", given.ring_timeout, 0.1, 3600)
    within("--setup-timeout", given.setup_timeout, 0.1, 3600)
    within("--bound", given.bound, 0.001, 3600)
    within("--stop-after-failures", given.stop_after_failures, 1, _LARGEST_CALLS)
    if given.max_concurrent is not None:
        within("--max-concurrent", given.max_concurrent, 1, 100_000)
    if given.agent_processes is not None:
        within("--agent-processes", given.agent_processes, 1, 10_000)


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


def within(option: str, value: float, low: float, high: float) -> None:
    """Raise UsageError for a number that is not from `low` to `high`."""
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
