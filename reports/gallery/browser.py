"""Chromium without a window, driven over a pipe by the DevTools protocol: a page as a reader sees it."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing but the page: no updates, no telemetry, no first-run pages.
_QUIET = (
    "--headless", "--disable-gpu", "--disable-quic", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--disable-extensions", "--no-first-run", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip
_NULL = b"\0"
_QUITS_WITHIN_S = 10


def find_browser() -> str | None:
    """The path of a Chromium, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name)) is not None), None)


class BrowserError(Exception):
    """The browser refused a command or went away."""


class Browser:
    """One browser with one page; a context manager."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._last = 0
        self._unread = b""
        self.events: list[Mapping[str, Any]] = []

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        orders, self._to_browser = _pipe()
        self._from_browser, answers = _pipe()
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._pid = os.posix_spawn(
            self._program,
            [self._program, *_QUIET, *sandbox, f"--user-data-dir={self._profile.name}", "about:blank"],
            os.environ,
            file_actions=[
                *((os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)),
                (os.POSIX_SPAWN_DUP2, orders, 3),  # where Chromium reads orders
                (os.POSIX_SPAWN_DUP2, answers, 4),  # where it answers
            ],
        )
        os.close(orders)
        os.close(answers)
        self._session: str | None = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._to_browser)  # its end of file is an order to quit
        died = os.pidfd_open(self._pid)
        if not select.select([died], [], [], _QUITS_WITHIN_S)[0]:
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(died)
        os.close(self._from_browser)
        self._profile.cleanup()

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file and wait for it; events of earlier pages are forgotten."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="screen", features=[scheme])
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._take()

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; its policy does not bind the debugger."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression[:60]!r} failed: {found['exceptionDetails']['text']}")
        return found["result"].get("value")

    def picture(self, *, whole: bool = False) -> bytes:
        """The page as PNG: the window, or all of it."""
        return base64.b64decode(
            self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        )

    def printed(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(
            self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]
        )

    def requests(self) -> list[str]:
        """What the page asked for beside itself and the data in it."""
        asked = (
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        )
        return [url for url in asked if not url.startswith("data:")][1:]

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, exceptions, breaches of the page's policy."""
        said = []
        for event in self.events:
            match event["method"]:
                case "Log.entryAdded":
                    said.append(event["params"]["entry"]["text"])
                case "Runtime.exceptionThrown":
                    said.append(event["params"]["exceptionDetails"]["text"])
                case "Runtime.consoleAPICalled":
                    said.append(str(event["params"]["args"]))
        return said

    def call(self, method: str, **parameters: object) -> Any:
        """Send one command and wait for its answer."""
        self._last += 1
        order: dict[str, object] = {"id": self._last, "method": method, "params": parameters}
        if self._session is not None:
            order["sessionId"] = self._session
        os.write(self._to_browser, json.dumps(order).encode() + _NULL)
        while True:
            message = self._take()
            if message.get("id") == self._last:
                break
        if "error" in message:
            raise BrowserError(f"{method}: {message['error']['message']}")
        return message["result"]

    def _take(self) -> Mapping[str, Any]:
        while _NULL not in self._unread:
            more = os.read(self._from_browser, 1 << 20)
            if not more:
                raise BrowserError(f"{self._program} went away.")
            self._unread += more
        text, _, self._unread = self._unread.partition(_NULL)
        message: Mapping[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message


def _pipe() -> tuple[int, int]:
    """Its two ends, out of the way of the descriptors that Chromium wants its own at."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
