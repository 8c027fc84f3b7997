"""What watches the rooms of a lab: webhooks taken as they come, or rooms asked for again and again."""

import sys
from dataclasses import dataclass
from pathlib import Path

from lab.process import Child, announced
from lab.server import LiveKitServer, bare_environment
from rooms.clock import Offset, observer_offset
from rooms.observe import STATUS_PATH, WEBHOOK_PATH

WAYS = ("webhook", "poll", "off")


def webhook_url(port: int) -> str:
    """Where an observer on that port takes webhooks."""
    return f"http://127.0.0.1:{port}{WEBHOOK_PATH}"


@dataclass(frozen=True, slots=True)
class Observer:
    """A child that writes what the rooms show; `port` is where it takes webhooks, None where it asks."""

    child: Child
    port: int | None

    async def ready(self, timeout_s: float) -> Offset:
        """Wait until nothing escapes it; its clock's offset."""
        await self.child.until_ready(announced(), timeout_s=timeout_s)
        if self.port is None:
            return Offset(0.0, 0.0)  # its times are of this host's clock, when the answers came
        return await observer_offset(f"http://127.0.0.1:{self.port}{STATUS_PATH}")


def start_observer(way: str, run_dir: Path, logs: Path, server: LiveKitServer, port: int) -> Observer | None:
    """Start one of `WAYS` for a lab; what it sees goes to room-events.jsonl in `run_dir`. None for `off`."""
    if way == "off":
        return None
    by_webhook = way == "webhook"
    command = [sys.executable, "-m", "rooms", "observe" if by_webhook else "poll"]
    command += ["--out", str(run_dir / "room-events.jsonl")]
    command += ["--port", str(port)] if by_webhook else ["--run", run_dir.name]
    environment = bare_environment() | server.environment
    child = Child("observer", command, env=environment, log=logs / "observer.log")
    return Observer(child, port if by_webhook else None)
