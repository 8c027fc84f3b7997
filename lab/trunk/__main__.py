"""The embedded trunk as a program: `python -m lab.trunk --livekit-url ws://127.0.0.1:7880 --sip-port 0`."""

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
from importlib.metadata import version

import aiohttp
from livekit import api

from lab.trunk.call import Premises
from lab.trunk.challenge import Challenges
from lab.trunk.media import DEFAULT_PORTS
from lab.trunk.pulse import Pulse
from lab.trunk.server import Server
from lab.trunk.sockets import HOST, SipSockets
from network.lifetime import die_with
from rooms.lifetime import ending

GRACE_S = 2.0
"""How long calls may take to end when the trunk is asked to."""


class StartError(Exception):
    """The trunk cannot start; the message says why and what to do."""


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "level": record.levelname.lower(),
            "ts": round(record.created, 6),
            "logger": record.name,
            "msg": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


async def serve(
    url: str,
    key: str,
    secret: str,
    *,
    host: str,
    advertised: str,
    sip_port: int,
    rtp_ports: tuple[int, int],
) -> None:
    """Take calls until SIGTERM or SIGINT.

    Raises:
        StartError: The port is taken, or the LiveKit server cannot be used.
    """
    stop = ending(with_standard_input=False)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
        livekit = api.LiveKitAPI(url.replace("ws", "http", 1), key, secret, session=http)
        await _check(livekit, url)
        challenges, pulse = Challenges(), Pulse()
        server = Server(
            lambda: Premises(
                livekit, http, url, key, secret, challenges, pulse, host, advertised, rtp_ports, sockets.port
            )
        )
        sockets = SipSockets(host, sip_port, server.receive)
        try:
            await sockets.open()
        except OSError as error:
            raise StartError(
                f"SIP port {sip_port} of {host} cannot be had ({error.strerror}): "
                "free it, or give another with --sip-port (0 takes any)"
            ) from error
        gc.freeze()  # what is loaded by now stays: looking through it again would hold all calls up
        _say_ready(sockets.port)
        await stop.wait()
        await server.close(grace_s=GRACE_S)
        await sockets.close()


async def _check(livekit: api.LiveKitAPI, url: str) -> None:
    try:
        await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    except api.ServerError as error:
        raise StartError(
            f"the LiveKit server at {url} refuses to list SIP trunks ({error.message}): "
            "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, and that the server has Redis"
        ) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise StartError(f"no LiveKit server answers at {url}: start it, or correct --livekit-url") from error


def _say_ready(port: int) -> None:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("aiosipua", "aiortp", "av"))
    print(json.dumps({"ready": True, "sip_port": port, "version": libraries}), flush=True)


def _ports(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    ports = int(low), int(high)
    if not 0 < ports[0] < ports[1] < 65536:
        raise ValueError(text)
    return ports


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.trunk", description=__doc__)
    parser.add_argument("--livekit-url", required=True, help="the LiveKit server, as ws://HOST:PORT")
    parser.add_argument(
        "--host", default=HOST, metavar="ADDRESS", help="where callers find it (default %(default)s)"
    )
    parser.add_argument(
        "--advertise", metavar="ADDRESS", help="what it says of itself in Contact and SDP (default: --host)"
    )
    parser.add_argument(
        "--sip-port", type=int, default=5060, help="0 takes any free one (default %(default)s)"
    )
    parser.add_argument(
        "--rtp-ports",
        type=_ports,
        default=DEFAULT_PORTS,
        metavar="LOW-HIGH",
        help="where RTP arrives, the even ones are used (default {}-{})".format(*DEFAULT_PORTS),
    )
    return parser.parse_args()


def main() -> int:
    """Run the trunk; the exit code of the program."""
    arguments = _arguments()
    die_with(os.getppid())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("livekit").setLevel(logging.WARNING)  # its INFO is a line or two for every call
    url, ports = arguments.livekit_url, arguments.rtp_ports
    try:
        key, secret = os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"]
        # Not asyncio.run, which would go on to wait for whatever did not end within its grace.
        loop = asyncio.new_event_loop()
        taking_calls = serve(
            url,
            key,
            secret,
            host=arguments.host,
            advertised=arguments.advertise or arguments.host,
            sip_port=arguments.sip_port,
            rtp_ports=ports,
        )
        loop.run_until_complete(taking_calls)
    except KeyError as error:
        print(f"{error.args[0]} is not set: give the credentials in the environment", file=sys.stderr)
        return 1
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # past the SDK's own clearing up, which may wait for connections that are gone
