"""The room's side on the command line: observe rooms, clean up after a run that crashed."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import re
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from livekit import api

from rooms.attend import Attendance, NoWorkerError, attend
from rooms.deployment import Deployment
from rooms.observe import observe
from rooms.poll import EVERY_S, observe_by_polling
from rooms.provision import RUN_ID, Digest, Route, clean
from rooms.refusal import sentence
from rooms.workers import TAKEN_WITHIN_S

_PASSWORD = "RINGTIME_SIP_PASSWORD"  # noqa: S105 - the variable's name
_ARM = re.compile(r"[a-z0-9-]+")
_DEPLOYMENT = "LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET name the deployment."


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m rooms`."""
    top = argparse.ArgumentParser(prog="python -m rooms", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    observing = commands.add_parser(
        "observe",
        help="write what LiveKit's webhooks say to a file, until ended",
        description="Receives LiveKit's webhooks on 127.0.0.1 and writes what they say, a line of JSON each; "
        "prints a line of JSON when it is ready. LIVEKIT_API_KEY and LIVEKIT_API_SECRET say whose.",
    )
    observing.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to append to")
    observing.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")

    watching = commands.add_parser(
        "poll",
        help="write what is seen of a run's rooms by asking for them to a file, until ended",
        description="Asks a deployment for the rooms of a run's calls and writes what changed, a line of "
        f"JSON each; prints a line of JSON when it is ready. {_DEPLOYMENT}",
    )
    watching.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to append to")
    watching.add_argument("--run", required=True, metavar="ID", help="the run whose rules made the rooms")

    attending = commands.add_parser(
        "attend",
        help="make the numbers of a run on a deployment and watch its rooms until standard input ends",
        description="Makes a trunk and a rule for each route, sees that a worker takes jobs for its agent, "
        "watches rooms by asking for them, and removes trunks and rules when standard input ends; prints a "
        f"line of JSON when it is ready. {_DEPLOYMENT}",
    )
    attending.add_argument(
        "--run",
        type=_run_id,
        metavar="ID",
        help="the run, a part of the trunks' names, such as 20260102T030405Z-abcdef (default: made up)",
    )
    attending.add_argument(
        "--route",
        action="append",
        default=[],
        type=_route,
        metavar="ARM=NUMBER=AGENT",
        help="a number to make, the arm it is of and the agent that takes its calls; may be given again",
    )
    attending.add_argument(
        "--sip-user",
        help=f"callers must know this user and the password in {_PASSWORD} (default: let all in)",
    )
    attending.add_argument(
        "--out", type=Path, metavar="FILE", help="file to append to (default: watch nothing)"
    )
    attending.add_argument(
        "--every",
        type=float,
        default=EVERY_S,
        metavar="S",
        help="ask for the rooms every so many s, or less often where there are many (default: %(default)g)",
    )
    attending.add_argument(
        "--worker-within",
        type=float,
        default=TAKEN_WITHIN_S,
        metavar="S",
        help="give up where no worker takes a job for an agent within so many s (default: %(default)g)",
    )

    cleaning = commands.add_parser(
        "clean",
        help="remove the trunks and dispatch rules that a crashed run left on a deployment",
        description="Removes trunks and rules named ringtime-<run id>-<arm>, nothing else: also those of a "
        f"run that is going on, unless --run names another. {_DEPLOYMENT}",
    )
    cleaning.add_argument(
        "--run", type=_run_id, metavar="ID", help="only what this run left (default: what any run left)"
    )
    cleaning.add_argument("--dry-run", action="store_true", help="only list what would be removed")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 when it could not, 2 for a wrong command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    options = parser().parse_args(arguments)
    needed = ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]
    if options.command != "observe":
        needed.insert(0, "LIVEKIT_URL")
    if getattr(options, "sip_user", None):
        needed.append(_PASSWORD)
    missing = [name for name in needed if not os.environ.get(name)]
    if missing:
        return _failed(f"{' and '.join(missing)} must be set in the environment", options.command)
    deployment = Deployment(
        os.environ.get("LIVEKIT_URL", ""), os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"]
    )
    try:
        match options.command:
            case "observe":
                key, secret = deployment.key, deployment.secret
                asyncio.run(observe(options.out, key=key, secret=secret, port=options.port))
            case "poll":
                asyncio.run(observe_by_polling(deployment, options.out, run_id=options.run))
            case "attend":
                _attend(deployment, options)
            case _:
                asyncio.run(_clean(deployment, options.run, dry_run=options.dry_run))
    except NoWorkerError as error:
        return _failed(str(error), options.command)
    except (aiohttp.ClientError, TimeoutError, api.ServerError) as error:
        return _failed(sentence(error, deployment.url), options.command)
    except OSError as error:
        return _failed(f"{options.command} failed: {error}", options.command)
    return 0


def _route(spec: str) -> Route:
    arm, _, rest = spec.partition("=")
    number, _, agent = rest.partition("=")
    if not (_ARM.fullmatch(arm) and number and agent):
        raise argparse.ArgumentTypeError(f"{spec!r} is not of the form ARM=NUMBER=AGENT")
    return Route(arm, number, agent)


def _run_id(text: str) -> str:
    if not RUN_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no run's id: give the name of its folder, such as 20260102T030405Z-abcdef"
        )
    return text


def _attend(deployment: Deployment, options: argparse.Namespace) -> None:
    digest = Digest(options.sip_user, os.environ[_PASSWORD]) if options.sip_user else None
    wish = Attendance(
        run_id=options.run or f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}",
        routes=options.route,
        digest=digest,
        out=options.out,
        every_s=options.every,
        worker_within_s=options.worker_within,
    )

    def ready() -> None:
        print(json.dumps({"ready": True, "run": wish.run_id}), flush=True)

    asyncio.run(attend(deployment, wish, ready=ready))


async def _clean(deployment: Deployment, run_id: str | None, *, dry_run: bool) -> None:
    async with deployment.client() as livekit:
        found = await clean(livekit, run_id, dry_run=dry_run)
    for name in found:
        print(f"would remove {name}" if dry_run else f"removed {name}")
    if not found:
        print("nothing to remove")


def _failed(words: str, command: str) -> int:
    """Say it to people, and on standard output to the program that waits for `ready`."""
    print(f"python -m rooms: {words}", file=sys.stderr)
    if command == "attend":
        print(json.dumps({"ready": False, "error": words}), flush=True)
    return 1


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
