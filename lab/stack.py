"""A LiveKit deployment on one machine, up and down: server, trunk, agents, settings proxies, observer."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import aiohttp
from livekit import api

from lab.arms import Arm, agent_environment, require_filters
from lab.control import ask
from lab.emulation import DOSE, Carrier, announcement, emulated
from lab.endpoints import SETTINGS_URL
from lab.errors import DiedError, LabError
from lab.faults import NO_FAULT
from lab.gateway import Gateway, StartingGateway, find_livekit_sip, start_gateway
from lab.observer import Observer, start_observer, webhook_url
from lab.process import Child, announced, ending, free_port, said
from lab.server import LiveKitServer, bare_environment, livekit_server, redis
from lab.settings import control_socket
from lab.sites import Sites, sites_on
from lab.trunk_calls import write_trunk_calls
from lab.versions import versions
from network.emulation import Emulation, Executor
from network.spec import Choice
from rooms.clock import Offset
from rooms.provision import Digest, Route, provisioned

AGENT_EVENTS = "agent-events.jsonl"
TRUNK_CALLS = "trunk-calls.jsonl"
LOGS = "logs"

_LOOK_EVERY_S = 0.2
_START_TIMEOUT_S = 60.0  # a Python program on a busy machine, its modules not yet compiled

_Result = TypeVar("_Result")


class Part(Protocol):
    """Something that runs and that the lab cannot do without."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def log(self) -> Path:
        """Where it says what it does."""

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""

    def last_words(self) -> str:
        """Where to look for why it ended."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a lab is to be; `livekit_sip` is a path, `embedded`, or None for whatever is on PATH.

    `network` is the choice of profiles, None for none; `network_executor` what is to carry them out, None
    for the best that can.
    """

    arms: Sequence[Arm]
    run_dir: Path
    filter_fault: str | None = None
    bound_s: float = 5.0
    livekit_sip: str | None = None
    observe: str = "webhook"
    seed: int = 0
    digest: Digest | None = None
    idle_processes: int = 4
    agent_processes: int | None = None  # an arm may have at once; None: as many as there are calls
    agents_timeout_s: float = 90.0
    network: Choice | None = None
    network_executor: Executor | None = None

    @property
    def run_id(self) -> str:
        """The run this lab serves: its folder's name."""
        return self.run_dir.name


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is ready to be called."""

    arms: Sequence[Arm]
    trunk: Gateway
    server: LiveKitServer
    versions: Mapping[str, str | None]
    observe: str
    room_clock: Offset | None
    children: Sequence[Part] = field(repr=False)
    emulation: Emulation | None = None

    def announcement(self) -> dict[str, object]:
        """What the load side needs to know, without a secret."""
        return {
            "ready": True,
            "trunk": asdict(self.trunk),
            "arms": [
                {"name": arm.name, "kind": arm.kind, "number": arm.number, "agent": arm.agent}
                for arm in self.arms
            ],
            "livekit": {"url": self.server.url},
            "observe": self.observe,
            "versions": dict(self.versions),
            "room_clock": asdict(self.room_clock) if self.room_clock else None,
            "network": announcement(self.emulation) if self.emulation else None,
        }


@contextlib.asynccontextmanager
async def lab_up(wish: Wish, say: Callable[[str], None]) -> AsyncIterator[Lab]:
    """Bring a lab up, yield it when it takes calls, and take it down; `say` is told what is being waited for.

    Agents take longest: they start as soon as they know where their server is, the rest meanwhile.

    On an emulated network this process moves to where server and trunk are.

    Raises:
        LabError: Something is missing or a part did not become ready; what had been started is gone again.
    """
    logs = wish.run_dir / LOGS
    await require_filters(wish.arms, say)
    livekit_sip = find_livekit_sip(wish.livekit_sip)
    found = versions()
    async with contextlib.AsyncExitStack() as up:
        children: list[Part] = []

        def started(child: Child) -> Child:
            children.append(child)
            up.callback(child.stop)
            return child

        emulation = None
        if wish.network is not None and not wish.network.is_clean:
            say(f"making the network {wish.network}")
            emulation = up.enter_context(
                emulated(wish.network, wish.network_executor, seed=wish.seed, run_dir=wish.run_dir)
            )
            children.append(Carrier(emulation, wish.run_dir / DOSE))
        sites = sites_on(emulation)
        say("starting redis and livekit-server")
        observer_port = free_port()
        store = up.enter_context(redis(logs))
        hook = webhook_url(observer_port) if wish.observe == "webhook" else None
        server = up.enter_context(
            livekit_server(logs, redis=store, webhook_url=hook, media=sites.livekit.address)
        )
        children += [store.child, server.child]
        agents = []
        proxies = []
        for arm in wish.arms:
            port = free_port()
            proxies.append(started(_start_proxy(wish, arm, server, sites, port)))
            agents.append(started(_start_agent(wish, arm, server, sites, port)))
        observer = start_observer(wish.observe, wish.run_dir, logs, server, observer_port)
        if observer is not None:
            started(observer.child)
        gateway = start_gateway(livekit_sip, logs, redis=store, server=server, site=sites.trunk)
        up.callback(write_trunk_calls, gateway.child.log, wish.run_dir / TRUNK_CALLS)  # when it is down
        started(gateway.child)

        say("waiting for the trunk, the observer and the settings proxies")
        trunk, clock = await unless_one_dies(_services_ready(gateway, observer, proxies), children)
        await up.enter_async_context(_provisioned(wish, server))
        say(f"waiting for the agents of {' and '.join(arm.name for arm in wish.arms)} to register")
        await unless_one_dies(_agents_ready(agents, wish.agents_timeout_s), children)
        if livekit_sip is not None:
            found["livekit-sip"] = trunk.version
        await _begin_faults(wish)
        yield Lab(wish.arms, trunk, server, found, wish.observe, clock, children, emulation)
        say("taking the lab down")


async def deaths(children: Sequence[Part]) -> AsyncIterator[Part]:
    """Each of the children as it ends, until none is left."""
    living = list(children)
    while living:
        for child in [child for child in living if child.exit_code is not None]:
            living.remove(child)
            yield child
        await asyncio.sleep(_LOOK_EVERY_S)


def obituary(child: Part) -> str:
    """One sentence on a child that ended while it was needed."""
    return f"{child.name} {ending(child.exit_code or 0)} while it was needed; {child.last_words()}"


async def unless_one_dies(work: Coroutine[None, None, _Result], children: Sequence[Part]) -> _Result:
    """What `work` returns, unless a child ends first; raises DiedError then."""
    working, watching = asyncio.ensure_future(work), asyncio.ensure_future(anext(deaths(children)))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise DiedError(obituary(watching.result()))
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _services_ready(
    gateway: StartingGateway, observer: Observer | None, proxies: Sequence[Child]
) -> tuple[Gateway, Offset | None]:
    for child in proxies:
        await child.until_ready(announced(), timeout_s=_START_TIMEOUT_S)
    clock = await observer.ready(_START_TIMEOUT_S) if observer is not None else None
    return await gateway.ready(), clock


async def _agents_ready(agents: Sequence[Child], timeout_s: float) -> None:
    for agent in agents:
        await agent.until_ready(said("registered worker"), timeout_s=timeout_s)


@contextlib.asynccontextmanager
async def _provisioned(wish: Wish, server: LiveKitServer) -> AsyncIterator[None]:
    routes = [Route(arm.name, arm.number, arm.agent) for arm in wish.arms]
    credentials = server.credentials
    async with contextlib.AsyncExitStack() as made:
        try:
            livekit = api.LiveKitAPI(server.url, credentials.key, credentials.secret)
            await made.enter_async_context(livekit)
            await made.enter_async_context(provisioned(livekit, wish.run_id, routes, digest=wish.digest))
        except (aiohttp.ClientError, api.ServerError) as error:
            raise LabError(
                f"livekit-server refused the trunks of this run: {error}; see {server.child.log}"
            ) from error
        try:
            yield
        finally:
            # A server that has died takes its trunks along; its death has been told already.
            with contextlib.suppress(aiohttp.ClientError, api.ServerError):
                await made.aclose()


async def _begin_faults(wish: Wish) -> None:
    """Tell every arm's settings what set-ups are to meet; a fault that heals counts its seconds from here."""
    for arm in wish.arms:
        answer = await ask(
            control_socket(wish.run_dir, arm.name), {"filter_fault": wish.filter_fault or NO_FAULT}
        )
        if "error" in answer:
            raise LabError(str(answer["error"]))


def _start_proxy(wish: Wish, arm: Arm, server: LiveKitServer, sites: Sites, port: int) -> Child:
    command = [sys.executable, "-m", "lab.settings", "--upstream", f"127.0.0.1:{server.port}"]
    command += [
        "--host",
        sites.livekit.address,
        "--port",
        str(port),
        "--arm",
        arm.name,
        "--seed",
        str(wish.seed),
    ]
    command += ["--run-dir", str(wish.run_dir)]
    if sites.settings is not None:
        command += ["--site", str(sites.settings), "--clients", str(sites.agents)]
    if arm.vendor_version is not None:
        command.append("--http-only")
    name = f"settings-{arm.name}"
    return Child(name, command, env=bare_environment(), log=wish.run_dir / LOGS / f"{name}.log", grace_s=1)


def _start_agent(wish: Wish, arm: Arm, server: LiveKitServer, sites: Sites, proxy_port: int) -> Child:
    environment = bare_environment() | server.credentials.environment
    environment |= agent_environment(
        arm,
        bound_s=wish.bound_s,
        idle_processes=wish.idle_processes,
        agent_processes=wish.agent_processes,
    )
    environment["RINGTIME_AGENT_EVENTS"] = str((wish.run_dir / AGENT_EVENTS).resolve())
    environment["LIVEKIT_URL"] = f"ws://{sites.livekit.address}:{proxy_port}"
    if arm.filter_is_ours:
        if sites.settings is not None:
            environment[SETTINGS_URL] = f"http://{sites.settings.address}:{proxy_port}/"
        environment["RINGTIME_SETTINGS_CONTROL"] = str(control_socket(wish.run_dir, arm.name).absolute())
    name = f"agent-{arm.name}"
    command = [sys.executable, "-m", "lab.agent"]
    log = wish.run_dir / LOGS / f"{name}.log"
    return Child(name, command, env=environment, log=log, enter=sites.agents.entering())
