"""The settings of an arm's filter: the process that answers for them, and mistreats a share of set-ups."""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.control import Answer, answering
from lab.endpoints import Endpoints
from lab.errors import LabError
from lab.fates import Fates
from lab.fault_log import FaultLog, Holding, Switched
from lab.faults import parse, require_http
from lab.proxy import SettingsProxy
from lab.sites import HERE, LOOPBACK, Site
from network.lifetime import die_with
from rooms.lifetime import ending


class Settings:
    """An arm's settings as its agents meet them: the proxy, and endpoints for what strikes below HTTP."""

    def __init__(
        self,
        upstream: tuple[str, int],
        *,
        arm: str,
        seed: int,
        log: FaultLog,
        http_only: bool = False,
        site: Site | None = None,
        clients: Site = HERE,
    ) -> None:
        """Draw the set-ups to mistreat from `seed`; no fault is in force until one is asked for.

        `http_only` refuses what strikes below HTTP, for filters that ask nowhere but at their server. `site`
        is where the others ask, and `clients` where they do so from.
        """
        # A stream of its own for each arm: a seed gives an arm the same set-ups whatever the others are.
        self._fates = Fates(random.Random(f"{seed}/faults/{arm}"))
        self._arm = arm
        self._http_only = http_only
        self._log = log
        self.proxy = SettingsProxy(upstream, arm=arm, fates=self._fates, log=log)
        self.endpoints = Endpoints(
            lambda room, fault: Holding(log, arm=arm, room=room, kind=str(fault)),
            site=site or HERE,
            clients=clients,
        )

    async def answer(self, question: Mapping[str, Any]) -> Answer:
        """Exchange the faults in force (`filter_fault`) or say where a room's filter is to ask (`set_up`)."""
        match question:
            case {"set_up": str(room)}:
                return {"environment": await self._environment(room)}
            case {"filter_fault": str(spec)}:
                return self._switch(spec)
            case _:
                return {"error": "no such question"}

    def _switch(self, spec: str) -> Answer:
        try:
            portions = parse(spec)
            if self._http_only:
                require_http(spec, portions, self._arm)
        except LabError as error:
            return {"error": str(error)}
        self._fates.switch(portions)
        self._log.write(Switched(time.time(), self._arm, spec))
        return {"filter_fault": spec}

    async def _environment(self, room: str) -> Mapping[str, str]:
        fate = self._fates.foretell(room)
        if fate is None or not fate.fault.kind.below_http:
            return {}
        return await self.endpoints.open(fate.fault, room)


async def _run(arguments: argparse.Namespace) -> None:
    host, _, port = arguments.upstream.rpartition(":")
    log = FaultLog(arguments.run_dir)
    settings = Settings(
        (host, int(port)),
        arm=arguments.arm,
        seed=arguments.seed,
        log=log,
        http_only=arguments.http_only,
        site=arguments.site,
        clients=arguments.clients,
    )
    ended = ending(with_standard_input=False)
    async with answering(control_socket(arguments.run_dir, arguments.arm), settings.answer):
        port = await settings.proxy.listen(Site(arguments.host), arguments.port)
        if arguments.site is not None:
            await settings.proxy.listen(arguments.site, port)
        print(json.dumps({"ready": True, "port": port}), flush=True)
        await ended.wait()
    await asyncio.gather(settings.proxy.stop(), settings.endpoints.close())
    log.close()


def control_socket(run_dir: Path, arm: str) -> Path:
    """Where an arm's settings process takes questions."""
    return run_dir / f"settings-{arm}.sock"


def control_sockets(run_dir: Path) -> list[Path]:
    """The sockets in a run's folder, one an arm."""
    return sorted(run_dir.glob("settings-*.sock"))


def arm_of(control_socket: Path) -> str:
    """The arm whose socket it is."""
    return control_socket.stem.removeprefix("settings-")


def main() -> int:
    """Run the proxy until SIGTERM."""
    die_with(os.getppid())
    parser = argparse.ArgumentParser(prog="python -m lab.settings", description=__doc__)
    parser.add_argument("--upstream", required=True, metavar="HOST:PORT", help="the server behind the proxy")
    parser.add_argument(
        "--host", default=LOOPBACK, metavar="ADDRESS", help="where agents come (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--site", type=Site.read, metavar="JSON", help="listen there too, and open endpoints there"
    )
    parser.add_argument(
        "--clients", type=Site.read, default=HERE, metavar="JSON", help="where those are who ask at the site"
    )
    parser.add_argument("--arm", required=True, help="name of the arm whose agents come here")
    parser.add_argument(
        "--run-dir", required=True, type=Path, metavar="DIR", help="the run's folder, for records and control"
    )
    parser.add_argument(
        "--http-only",
        action="store_true",
        help="refuse faults below HTTP: this arm's filter asks nowhere but at its server",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the order in which set-ups are mistreated (default 0)"
    )
    try:
        asyncio.run(_run(parser.parse_args()))
    except (LabError, OSError) as error:
        print(f"settings proxy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
