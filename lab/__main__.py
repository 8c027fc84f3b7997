"""The system under test on one machine: brought up, checked and taken down from the command line."""

import argparse
import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.check import check
from lab.command_line import parser, wished
from lab.emulation import begin
from lab.errors import LabError
from lab.fault_control import switch
from lab.faults import parse as parse_fault
from lab.left_running import marked, take_down
from lab.stack import LOGS, Lab, Wish, deaths, lab_up, obituary
from network.emulation import Emulation
from rooms.lifetime import ending

BEGIN = "begin"
"""The line on standard input that puts the network's profiles on."""


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
        wish = wished(options)
    except LabError as error:
        _tell_failure(str(error), as_json=options.json)
        return 2
    try:
        asyncio.run(_keep_up(wish, as_json=options.json))
    except (LabError, OSError) as error:
        _tell_failure(str(error), as_json=options.json)
        return 1
    return 0


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
