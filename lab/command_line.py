"""The command line of `python -m lab`, and the lab that it asks for."""

import argparse
import os
import random
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from lab.arms import USAGE as ARM_KINDS
from lab.arms import Arm, parse_arms
from lab.errors import LabError
from lab.faults import USAGE as FAULT_KINDS
from lab.faults import parse as parse_fault
from lab.faults import require_http
from lab.observer import WAYS
from lab.stack import Wish
from network import capability, spec
from network.emulation import Executor
from network.errors import NetworkError
from network.profile import Leg
from network.spec import CLEAN, Choice
from rooms.provision import Digest

_DESCRIPTION = "The system under test on one machine: brought up, checked and taken down."
_PASSWORD = "RINGTIME_SIP_PASSWORD"  # noqa: S105 - the variable's name


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m lab`."""
    top = argparse.ArgumentParser(prog="python -m lab", description=_DESCRIPTION)
    commands = top.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring a lab up and keep it until Ctrl-C")
    up.add_argument(
        "--arms",
        default="unbounded,bounded",
        metavar="NAME[=KIND],…",
        help=f"builds of the agent; kinds: {ARM_KINDS} (default: %(default)s)",
    )
    up.add_argument(
        "--filter-fault",
        metavar="SPEC",
        help=f"mistreat filters that set up: KIND[:SHARE], several joined by +; kinds: {FAULT_KINDS} "
        "(default: none)",
    )
    up.add_argument(
        "--bound",
        type=float,
        default=5.0,
        metavar="S",
        help="deadline of the bounded arm, s (default: %(default)g)",
    )
    up.add_argument(
        "--livekit-sip",
        metavar="PATH",
        help="livekit-sip to run, or `embedded` for the built-in trunk (default: on PATH, else embedded)",
    )
    up.add_argument(
        "--sip-user",
        help=f"callers must know this user and the password in {_PASSWORD} (default: let all in)",
    )
    up.add_argument(
        "--observe",
        choices=WAYS,
        default="webhook",
        help="how the rooms are watched (default: %(default)s)",
    )
    up.add_argument(
        "--idle-processes",
        type=int,
        default=4,
        metavar="N",
        help="warm processes an arm (default: %(default)d)",
    )
    up.add_argument(
        "--agent-processes",
        type=int,
        metavar="N",
        help="jobs that an arm's agent takes at once, each in a process; more find none (default: no limit)",
    )
    up.add_argument(
        "--network",
        metavar="SPEC",
        default=CLEAN,
        help="what the network does: NAME, or by leg caller=A+B;agent=NAME;settings=NAME; names: python -m "
        "network list (default: %(default)s)",
    )
    up.add_argument(
        "--network-executor",
        choices=[each.value for each in Executor],
        help="what carries that out (default: the best that can here)",
    )
    up.add_argument("--seed", type=int, help="order in which set-ups are mistreated (default: random)")
    up.add_argument(
        "--run-dir",
        type=Path,
        metavar="DIR",
        help="folder for records and logs (default: a new one in runs/)",
    )
    up.add_argument(
        "--json",
        action="store_true",
        help="say on standard output, in JSON, what is up; end with standard input",
    )
    commands.add_parser("check", help="say what is missing on this machine and how to get it")
    fault = commands.add_parser("fault", help="exchange the faults of a lab that is up")
    fault.add_argument(
        "spec", metavar="SPEC", help="as with --filter-fault, from the next set-up on; none ends them"
    )
    fault.add_argument("--arm", metavar="NAME", help="only this arm's (default: all)")
    fault.add_argument(
        "--run-dir", type=Path, metavar="DIR", help="the lab's folder (default: the one in runs/ that is up)"
    )
    down = commands.add_parser("down", help="end labs that `up` has left running")
    down.add_argument(
        "--run-dir", type=Path, metavar="DIR", help="only the lab of this folder (default: all in runs/)"
    )
    return top


def wished(options: argparse.Namespace) -> Wish:
    """The lab that the options of `up` ask for.

    Raises:
        LabError: It cannot be, with the option, its value and what would do.
    """
    arms = parse_arms(options.arms)
    if options.filter_fault is not None:
        portions = parse_fault(options.filter_fault)
        for arm in arms:
            if arm.vendor_version is not None:
                require_http(options.filter_fault, portions, arm.name)
    if not 0 < options.bound <= 3600:
        raise LabError(
            f"--bound cannot be {options.bound:g} s: a number of seconds above 0 and up to 3600 would do"
        )
    if options.agent_processes is not None and options.agent_processes < 1:
        raise LabError(f"--agent-processes cannot be {options.agent_processes}: 1 or more would do")
    if options.idle_processes < 1:
        raise LabError(f"--idle-processes cannot be {options.idle_processes}: 1 or more would do")
    digest = None
    if options.sip_user:
        password = os.environ.get(_PASSWORD)
        if not password:
            raise LabError(
                f"--sip-user {options.sip_user} needs the password in the environment variable {_PASSWORD}"
            )
        digest = Digest(options.sip_user, password)
    network, executor = _network(options, arms)
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return Wish(
        arms=arms,
        run_dir=options.run_dir or Path("runs") / f"lab-{now}-{secrets.token_hex(2)}",
        filter_fault=options.filter_fault,
        bound_s=options.bound,
        livekit_sip=options.livekit_sip,
        observe=options.observe,
        seed=random.SystemRandom().getrandbits(32) if options.seed is None else options.seed,
        digest=digest,
        idle_processes=options.idle_processes,
        agent_processes=options.agent_processes,
        network=network,
        network_executor=executor,
    )


def _network(options: argparse.Namespace, arms: Sequence[Arm]) -> tuple[Choice, Executor | None]:
    """What the network is to do, and what is to carry that out where somebody says."""
    executor = Executor(options.network_executor) if options.network_executor else None
    try:
        network = spec.choose(options.network)
        if executor is not None:
            capability.check(executor, network)
    except NetworkError as error:
        raise LabError(f"--network cannot be {options.network!r}: {error}") from None
    for arm in arms:
        if arm.vendor_version is not None and network.degrades(Leg.SETTINGS):
            raise LabError(
                f"the filter of the arm {arm.name} asks at its agent's server, so its set-up is not on the "
                "leg settings: degrade the leg agent, or leave the arm out"
            )
    return network, executor
