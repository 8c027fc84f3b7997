"""A lab that somebody has brought up and left up, known by what it says to people."""

import asyncio
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from livekit import api


@dataclass(frozen=True, slots=True)
class LeftUp:
    """A lab of another process: where it takes calls, and the credentials of its LiveKit server."""

    process: "subprocess.Popen[str]"
    folder: Path
    trunk: str
    numbers: tuple[str, ...]
    credentials: Path
    environment: Mapping[str, str]
    said: str

    def trunk_names(self) -> set[str]:
        """The names of the trunks on its server, its own but not among them."""

        async def ask() -> set[str]:
            url, key, secret = (
                self.environment[f"LIVEKIT_{name}"] for name in ("URL", "API_KEY", "API_SECRET")
            )
            async with api.LiveKitAPI(url, key, secret) as livekit:
                trunks = (await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
                rules = (await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items
                return {found.name for found in (*trunks, *rules)}

        own = f"ringtime-{self.folder.name}-"
        return {name for name in asyncio.run(ask()) if not name.startswith(own)}

    def answers(self, number: str, folder: Path) -> bool:
        """Whether a call to the number is answered within half a minute."""
        command = ["sipp", "-sn", "uac", "-s", number, "-i", "127.0.0.1", "-m", "1", "-d", "500", "-nostdin"]
        command += [self.trunk.removeprefix("sip:"), "-timeout", "30", "-timeout_error"]
        sipp = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)
        return sipp.returncode == 0


@contextlib.contextmanager
def left_up(folder: Path, *arguments: str) -> Iterator[LeftUp]:
    """Bring a lab up as a person does, and take it down at the end."""
    command = [sys.executable, "-m", "lab", "up", "--run-dir", str(folder), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            said = "".join(iter(process.stdout.readline, "Ctrl-C takes it down.\n"))
            trunk = re.search(r"^trunk +(\S+)", said, re.MULTILINE)
            credentials = re.search(r"source (\S+)$", said, re.MULTILINE)
            assert trunk, said
            assert credentials, said
            exports = re.findall(r"^export (\w+)=(.*)$", Path(credentials[1]).read_text(), re.MULTILINE)
            numbers = tuple(re.findall(r"^call +sip:([^@]+)@", said, re.MULTILINE))
            yield LeftUp(process, folder, trunk[1], numbers, Path(credentials[1]), dict(exports), said)
        finally:
            process.terminate()
