"""The room's side on the command line: observe rooms, clean up after a run that crashed."""

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from livekit import api

from rooms.attend import Attendance, attend
from rooms.observe import observe
from rooms.provision import PREFIX, Digest, Route, clean

_PASSWORD = "RINGTIME_SIP_PASSWORD"  # noqa: S105 - the variable's name


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m rooms`."""
    top = argparse.ArgumentParser(prog="python -m rooms", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    observing = commands.add_parser(
        "observe",
        help="receive LiveKit's webhooks and write what they say to a file, until ended",
        description="Receives LiveKit's webhooks on 127.0.0.1 and writes what they say, a line of JSON each; "
        "prints a line of JSON when it is ready. LIVEKIT_API_KEY and LIVEKIT_API_SECRET say whose.",
    )
    observing.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to append to")
    observing.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")

    attending = commands.add_parser(
        "attend",
        help="make the numbers of a run on a deployment and watch its rooms until standard input ends",
        description="Makes a trunk and a rule for each route, watches rooms by asking for them, and removes "
        "trunks and rules when standard input ends; prints a line of JSON when it is ready. LIVEKIT_URL, "
        "LIVEKIT_API_KEY and LIVEKIT_API_SECRET name the deployment.",
    )
    attending.add_argument("--run", required=True, metavar="ID", help="the run, a part of the trunks' names")
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
        "--prefix", default=PREFIX, help="watch rooms whose names begin so (default: %(default)s)"
    )
    attending.add_argument(
        "--every",
        type=float,
        default=0.5,
        metavar="S",
        help="ask for the rooms every so many s (default: 0.5)",
    )

    cleaning = commands.add_parser(
        "clean",
        help="remove the trunks and dispatch rules that a crashed run left on a deployment",
        description="Removes trunks and rules whose names begin with this program's prefix, nothing else. "
        "The deployment is named by LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.",
    )
    cleaning.add_argument("--run", metavar="ID", help="only what this run left (default: what any run left)")
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
        return _failed(f"{' and '.join(missing)} must be set in the environment")
    try:
        if options.command == "observe":
            key, secret = os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"]
            asyncio.run(observe(options.out, key=key, secret=secret, port=options.port))
        elif options.command == "attend":
            digest = Digest(options.sip_user, os.environ[_PASSWORD]) if options.sip_user else None
            asyncio.run(
                attend(
                    Attendance(options.run, options.route, digest, options.out, options.prefix, options.every)
                )
            )
        else:
            asyncio.run(_clean(options.run))
    except (OSError, aiohttp.ClientError, api.ServerError) as error:
        return _failed(f"{options.command} failed: {error}")
    return 0


def _route(spec: str) -> Route:
    try:
        arm, number, agent = spec.split("=")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{spec!r} is not of the form ARM=NUMBER=AGENT") from None
    return Route(arm, number, agent)


async def _clean(run_id: str | None) -> None:
    async with api.LiveKitAPI() as livekit:
        removed = await clean(livekit, run_id)
    for name in removed:
        print(f"removed {name}")
    if not removed:
        print("nothing to remove")


def _failed(sentence: str) -> int:
    print(f"python -m rooms: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
