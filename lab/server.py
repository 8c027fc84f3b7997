"""Redis and livekit-server on free ports of this machine, with a key made for one lab."""

import contextlib
import functools
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from socket import SOCK_DGRAM

from lab.errors import LabError, NotReadyError, ProgramMissingError
from lab.process import Child, free_port, said
from lab.sites import LOOPBACK

LIVEKIT_SERVER_SERIES = "1.13."  # what the measured behaviour and the configuration below belong to
_TAKEN = re.compile(r"address already in use|Failed listening on port", re.IGNORECASE)
_TRIES = 5  # a port is chosen and bound a moment later: somebody may be quicker
_BUILT = Path(__file__).resolve().parent.parent / ".tools" / "bin" / "livekit-server"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and its secret; the secret travels by environment and is never written."""

    key: str
    secret: str = field(repr=False)

    @classmethod
    def generate(cls) -> "Credentials":
        """A key that no other lab has."""
        return cls(key=f"API{secrets.token_hex(6)}", secret=secrets.token_urlsafe(32))

    @property
    def environment(self) -> dict[str, str]:
        """The variables LiveKit's own programs read them from."""
        return {"LIVEKIT_API_KEY": self.key, "LIVEKIT_API_SECRET": self.secret}


@dataclass(frozen=True, slots=True)
class Redis:
    """A running redis-server."""

    port: int
    child: Child

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class LiveKitServer:
    """A running livekit-server."""

    port: int
    credentials: Credentials
    child: Child

    @property
    def url(self) -> str:
        """The `ws://` URL that agents and trunks connect to."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that LiveKit's own programs, and `livekit.api.LiveKitAPI()`, read."""
        return {"LIVEKIT_URL": self.url, **self.credentials.environment}


@contextlib.contextmanager
def redis(logs: Path) -> Iterator[Redis]:
    """Run a redis-server that keeps nothing on disk; its log goes to `logs`/redis.log."""
    program = find_redis()

    def start(port: int) -> Child:
        command = [
            str(program),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        return Child("redis", command, env=bare_environment(), log=logs / "redis.log")

    # Not "the port answers": that may be somebody else's redis.
    child, port = _on_a_port_of_its_own(start, "Ready to accept connections")
    with child:
        yield Redis(port, child)


@contextlib.contextmanager
def livekit_server(
    logs: Path,
    *,
    redis: Redis,
    credentials: Credentials | None = None,
    webhook_url: str | None = None,
    media: str = LOOPBACK,
) -> Iterator[LiveKitServer]:
    """Run a livekit-server with SIP and agents enabled; its log goes to `logs`/livekit-server.log.

    `media` is the address that WebRTC is to find it at.
    """
    program = find_livekit_server()
    credentials = credentials or Credentials.generate()
    key = credentials.key

    def start(port: int) -> Child:
        environment = bare_environment() | {
            "LIVEKIT_CONFIG": json.dumps(server_configuration(port, redis, key, webhook_url, media)),
            "LIVEKIT_KEYS": f"{key}: {credentials.secret}",
        }
        log = logs / "livekit-server.log"
        # On SIGTERM it waits in steps of 5 s for participants to leave; whoever ends a lab has seen them off.
        return Child("livekit-server", [str(program)], env=environment, log=log, grace_s=0.2)

    # The line comes after the node is registered; the port alone answers before rooms can be made.
    child, port = _on_a_port_of_its_own(start, "starting LiveKit server")
    with child:
        yield LiveKitServer(port, credentials, child)


def _on_a_port_of_its_own(start: Callable[[int], Child], ready: str) -> tuple[Child, int]:
    """A child that has said it is ready, on a free port; another where somebody has bound that meanwhile.

    Raises:
        NotReadyError: It ended for another reason, or was not ready in time.
    """
    tries = 0
    while True:
        tries += 1
        port = free_port()
        child = start(port)
        try:
            child.wait_ready(said(ready))
        except BaseException as error:
            child.stop()
            taken = isinstance(error, NotReadyError) and any(map(_TAKEN.search, child.log_lines()))
            if not taken or tries == _TRIES:
                raise
        else:
            return child, port


def server_configuration(
    port: int, redis: Redis, key: str, webhook_url: str | None, media: str = LOOPBACK
) -> dict[str, object]:
    """The configuration of livekit-server for a lab on one machine, without its secret."""
    on_loopback = media == LOOPBACK
    configuration: dict[str, object] = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "redis": {"address": redis.address},
        "logging": {"level": "info", "json": True},
        "rtc": {
            "udp_port": free_port(SOCK_DGRAM),
            "stun_servers": ["127.0.0.1:9"],  # none, where an empty list means public ones
            # On an emulated network UDP may come to be blocked, and WebRTC is to find its way round.
            "tcp_port": 0 if on_loopback else free_port(),
            "allow_tcp_fallback": not on_loopback,
            "use_external_ip": False,
            "node_ip": media,
            "enable_loopback_candidate": on_loopback,
            "ips": {"includes": [f"{media}/32"]},
        },
        "room": {"auto_create": True, "empty_timeout": 10, "departure_timeout": 5},
        "agents": {"target_load": 1.0},  # the default, 0.7, silently stops dispatch on a busy machine
    }
    if webhook_url is not None:
        configuration["webhook"] = {"api_key": key, "urls": [webhook_url]}
    return configuration


def find_redis() -> Path:
    """The redis-server of this machine.

    Raises:
        ProgramMissingError: There is none.
    """
    found = shutil.which("redis-server")
    if found is None:
        raise ProgramMissingError(
            "redis-server is not on PATH; install it with your system's package manager (Debian, Ubuntu: "
            "apt install redis-server)"
        )
    return Path(found)


def find_livekit_server() -> Path:
    """The livekit-server on PATH if it is of the series the lab knows, else the one `make` builds.

    Raises:
        ProgramMissingError: There is neither.
    """
    on_path = shutil.which("livekit-server")
    candidates = [Path(on_path)] if on_path else []
    seen = []
    for program in [*candidates, _BUILT]:
        if program.exists():
            version = livekit_server_version(program)
            if version.startswith(LIVEKIT_SERVER_SERIES):
                return program
            seen.append(f"{program} is {version}")
    found = f" ({', '.join(seen)})" if seen else ""
    raise ProgramMissingError(
        f"no livekit-server {LIVEKIT_SERVER_SERIES}x was found on PATH or in .tools/bin{found}; "
        "run `make`, which builds it"
    )


@functools.cache
def livekit_server_version(program: Path) -> str:
    """The version a livekit-server says it is, such as `1.13.5`."""
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{program} does not run: {error}; remove it or replace it with `make`") from error
    version = re.search(r"\d+\.\d+\.\d+", answer.stdout)
    return version.group() if version else "of no known version"


def bare_environment() -> dict[str, str]:
    """This process's environment without what would lead the lab's parts elsewhere.

    LIVEKIT_* they are given in full. A proxy would be asked for 127.0.0.1: livekit-agents heeds no NO_PROXY.
    OTEL_* could switch off the spans that the lab records, or send them to somebody.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LIVEKIT_", "OTEL_")) and not name.lower().endswith("_proxy")
    }
