"""The system under test on one machine: brought up, checked and taken down from the command line."""

import argparse
import asyncio
import contextlib
import json
import os
import random
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.arms import USAGE as ARM_KINDS
from lab.arms import parse_arms
from lab.check import check
from lab.emulation import begin
from lab.errors import LabError
from lab.fault_control import switch
from lab.faults import USAGE as FAULT_KINDS
from lab.faults import parse as parse_fault
from lab.faults import require_http
from lab.left_running import marked, take_down
from lab.observer import WAYS
from lab.stack import LOGS, Lab, Wish, deaths, lab_up, obituary
from network import spec
from network.emulation import Emulation, Executor
from network.errors import ProfileError
from network.spec import CLEAN
from rooms.lifetime import ending
from rooms.provision import Digest

BEGIN = "begin"
"""The line on standard input that puts the network's profiles on."""
_PASSWORD = "RINGTIME_SIP_PASSWORD"  # noqa: S105 - the variable's name


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m lab`."""
    top = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
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
        "--network",
        metavar="SPEC",
        default=CLEAN,
        help="what the network does: NAME, or by leg caller=A+B;agent=NAME;settings=NAME; names: python -m "
        "network list (default: %(default)s)",
    )
    up.add_argument(
        "--network-executor",
        choices=[*Executor],
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 when it could not, 2 for a wrong command line."""
    options = parser().parse_args(arguments)
    match options.command:
        case "check":
            return check()
        case "fault":
            return _fault(options)
        case "down":
            return take_down(options.run_dir)
        case _:
            return _up(options)


def _fault(options: argparse.Namespace) -> int:
    try:
        parse_fault(options.spec)
    except LabError as error:
        _progress(str(error))
        return 2
    try:
        return asyncio.run(switch(options.spec, run_dir=options.run_dir, arm=options.arm))
    except (LabError, OSError) as error:
        _progress(str(error))
        return 1


def _up(options: argparse.Namespace) -> int:
    try:
        wish = _wish(options)
    except LabError as error:
        _tell_failure(str(error), as_json=options.json)
        return 2
    try:
        asyncio.run(_keep_up(wish, as_json=options.json))
    except (LabError, OSError) as error:
        _tell_failure(str(error), as_json=options.json)
        return 1
    return 0


def _wish(options: argparse.Namespace) -> Wish:
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
    try:
        network = spec.choose(options.network)
    except ProfileError as error:
        raise LabError(f"--network cannot be {options.network!r}: {error}") from None
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
        network=network,
        network_executor=options.network_executor and Executor(options.network_executor),
    )


async def _keep_up(wish: Wish, *, as_json: bool) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    ended = ending(with_standard_input=as_json, told=told)
    wish.run_dir.mkdir(parents=True, exist_ok=True)
    with marked(wish.run_dir):
        serving = asyncio.ensure_future(_serve(wish, told, as_json=as_json))
        waiting = asyncio.ensure_future(ended.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _serve(wish: Wish, told: asyncio.Queue[str], *, as_json: bool) -> None:
    async with lab_up(wish, _progress) as lab:
        if as_json:
            _print_json(lab.announcement())
            await asyncio.gather(_announce_deaths(lab), _begin_when_told(lab, told))
        else:
            if lab.emulation is not None:
                begin(lab.emulation)
            with _credentials_file(wish.run_dir, lab) as credentials:
                _print_for_people(lab, wish, credentials)
                async for child in deaths(lab.children):
                    _progress(obituary(child))


async def _announce_deaths(lab: Lab) -> None:
    async for child in deaths(lab.children):
        _print_json({"event": "died", "process": child.name, "log": str(child.log), "error": obituary(child)})


async def _begin_when_told(lab: Lab, told: asyncio.Queue[str]) -> None:
    """Put the network's profiles on once the load side is ready; until then every leg is clean."""
    while await told.get() != BEGIN:
        pass
    if lab.emulation is not None:
        _print_json(begin(lab.emulation))


@contextlib.contextmanager
def _credentials_file(run_dir: Path, lab: Lab) -> Iterator[Path]:
    path = run_dir / "livekit.env"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"export {name}={value}\n" for name, value in lab.server.environment.items())
        yield path
    finally:
        path.unlink(missing_ok=True)


def _print_for_people(lab: Lab, wish: Wish, credentials: Path) -> None:
    host = lab.trunk.uri.removeprefix("sip:")
    print(f"trunk    {lab.trunk.uri} ({lab.trunk.kind} {lab.trunk.version or ''})")
    for arm in lab.arms:
        print(f"call     sip:{arm.number}@{host} for {arm.name} ({arm.kind})")
    print(f"livekit  {lab.server.url}; for its key and secret while it runs: source {credentials}")
    if lab.emulation is not None:
        _print_network(lab.emulation)
    print(f"folder   {wish.run_dir} (logs in {LOGS}/)")
    print("Ctrl-C takes it down.", flush=True)


def _print_network(emulation: Emulation) -> None:
    print(f"network  {emulation.choice} by the {emulation.executor}, {emulation.priority} priority")
    for place, namespace in emulation.places.items():
        user = f" --user={namespace.user}" if namespace.user else ""
        print(f"         {place}: nsenter --net={namespace.network}{user} COMMAND")


def _print_json(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


def _progress(sentence: str) -> None:
    print(f"lab: {sentence}", file=sys.stderr, flush=True)


def _tell_failure(sentence: str, *, as_json: bool) -> None:
    if as_json:
        _print_json({"ready": False, "error": sentence})
    _progress(sentence)


if __name__ == "__main__":
    sys.exit(main())
