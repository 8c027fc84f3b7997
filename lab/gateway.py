"""The trunk of the lab: LiveKit's own livekit-sip where there is one, otherwise the embedded trunk."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from socket import SOCK_DGRAM

from lab.errors import LabError, ProgramMissingError
from lab.process import Child, announced, answering, free_port, free_ports
from lab.server import LiveKitServer, Redis, bare_environment
from lab.sites import TrunkSite

EMBEDDED = "embedded"
_RTP_PORTS = 2000  # a call holds a pair until it has drained: 1000 calls


@dataclass(frozen=True, slots=True)
class Gateway:
    """A trunk that takes calls at `uri`."""

    kind: str
    uri: str
    version: str | None


class StartingGateway:
    """A trunk that was started and is waited for."""

    def __init__(
        self, child: Child, kind: str, version: str | None, host: str, sip_port: int, health_port: int
    ) -> None:
        """Wait for `health_port` to answer, or, where it is 0, for the announcement of the SIP port."""
        self.child = child
        self._host = host
        self._kind = kind
        self._version = version
        self._sip_port = sip_port
        self._health_port = health_port

    async def ready(self) -> Gateway:
        """The trunk, once it takes calls; raises NotReadyError when it does not get there."""
        port, version = self._sip_port, self._version
        if self._health_port:
            await self.child.until_ready(answering(self._health_port))
        else:
            announcement = await self.child.until_ready(announced(), timeout_s=60)
            port, version = int(str(announcement["sip_port"])), str(announcement["version"])
        return Gateway(self._kind, f"sip:{self._host}:{port}", version)


def find_livekit_sip(choice: str | None) -> Path | None:
    """The livekit-sip to run, or None for the embedded trunk.

    `choice` is a path, `embedded`, or None for whatever is on PATH.

    Raises:
        ProgramMissingError: The path that was asked for holds no program.
    """
    if choice == EMBEDDED:
        return None
    if choice is None:
        on_path = shutil.which("livekit-sip")
        return Path(on_path) if on_path else None
    program = shutil.which(choice)
    if program is None:
        raise ProgramMissingError(
            f"--livekit-sip cannot be {choice!r}: no program is there; "
            f"name one, or {EMBEDDED!r} for the built-in trunk"
        )
    return Path(program)


def start_gateway(
    program: Path | None, logs: Path, *, redis: Redis, server: LiveKitServer, site: TrunkSite
) -> StartingGateway:
    """Start livekit-sip, or the embedded trunk when `program` is None, at its site.

    Raises:
        LabError: livekit-sip cannot keep to the ports of the site.
    """
    if program is None:
        command = [sys.executable, "-m", "lab.trunk", "--livekit-url", server.url]
        command += ["--host", site.address, "--advertise", site.advertised]
        command += ["--sip-port", str(site.ports.sip if site.ports else 0)]
        if site.ports:
            command += ["--rtp-ports", f"{site.ports.rtp}-{site.ports.rtp + site.ports.rtp_count - 1}"]
        environment = bare_environment() | server.environment
        child = Child("trunk", command, env=environment, log=logs / "trunk.log")
        return StartingGateway(child, EMBEDDED, None, site.advertised, sip_port=0, health_port=0)
    if site.ports:
        raise LabError(
            f"{program} binds its media to every address, where a relay has its aliases: take the "
            f"wire, or {EMBEDDED!r} for --livekit-sip"
        )
    sip_port, health_port = free_port(SOCK_DGRAM), free_port()
    configuration = gateway_configuration(redis, server, site.address, sip_port, health_port)
    environment = bare_environment() | {"SIP_CONFIG_BODY": json.dumps(configuration)}
    version = livekit_sip_version(program)
    child = Child("livekit-sip", [str(program)], env=environment, log=logs / "livekit-sip.log")
    return StartingGateway(child, "livekit-sip", version, site.address, sip_port, health_port)


def gateway_configuration(
    redis: Redis, server: LiveKitServer, host: str, sip_port: int, health_port: int
) -> dict[str, object]:
    """The configuration of livekit-sip for a lab on one machine; it holds the secret and is never written."""
    rtp = free_ports(_RTP_PORTS, SOCK_DGRAM)
    return {
        "api_key": server.credentials.key,
        "api_secret": server.credentials.secret,
        "ws_url": server.url,
        "redis": {"address": redis.address},
        "sip_port": sip_port,
        "listen_ip": host,
        "nat_1_to_1_ip": host,  # goes round an address search that skips loopback
        "rtp_port": f"{rtp.start}-{rtp.stop - 1}",
        "rtp_draining_idle_timeout": "1s",  # by default ports are held so long that they run out
        "rtp_draining_duration": "5s",
        "media_timeout_initial": "30s",
        "health_port": health_port,
        "codecs": {"G722/8000": False},
        "logging": {"level": "info", "json": True},
    }


def livekit_sip_version(program: Path) -> str | None:
    """The version a livekit-sip says it is, or None when it says none."""
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(
            f"{program} does not run: {error}; name another or 'embedded' with --livekit-sip"
        ) from error
    found = re.search(r"\d+\.\d+\.\d+", answer.stdout)
    return found.group() if found else None
