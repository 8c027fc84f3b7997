"""A child process that says lines of JSON, and lives until its standard input ends or its parent does."""

import contextlib
import json
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from network.errors import UnavailableError, WireError
from network.lifetime import bound_to_this

_ROOT = Path(__file__).parents[1]
_SAYS_WITHIN_S = 20.0
_GONE_WITHIN_S = 5.0


class Companion:
    """A module of this package, run as a program."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._name = module
        # In a group of its own: Ctrl-C is for those who use it, who end it after themselves.
        self._process = subprocess.Popen(
            command(module, *arguments),
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            preexec_fn=bound_to_this(),
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code, minus the signal's number for a signal, or None while it runs."""
        return self._process.poll()

    def ready(self) -> dict[str, Any]:
        """What it says when it is ready; one that cannot be is ended.

        Raises:
            UnavailableError: It said why it cannot.
            WireError: It ended or stayed silent.
        """
        try:
            said = self.said("ready")
        except WireError:
            self.end()
            raise
        if not said["ready"]:
            self.end()
            raise UnavailableError(str(said["error"]))
        return said

    def tell(self, word: str) -> None:
        """Write a line to it; whether it still lives shows in what it says."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ValueError):
                self._process.stdin.write(f"{word}\n".encode())
                self._process.stdin.flush()

    def said(self, key: str) -> dict[str, Any]:
        """Its next line, which is about that.

        Raises:
            WireError: It ended or stayed silent.
        """
        output = self._process.stdout
        if output is None or output.closed:
            raise WireError(f"{self._name} was closed before it said {key}")
        if not select.select([output], (), (), _SAYS_WITHIN_S)[0]:
            raise WireError(f"{self._name} said nothing within {_SAYS_WITHIN_S:g} s")
        line = output.readline()
        if not line:
            raise WireError(f"{self._name} ended with exit code {self._process.wait()} before it said {key}")
        said: dict[str, Any] = json.loads(line)
        return said

    def end(self) -> None:
        """End it, whatever it is at."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        try:
            self._process.wait(_GONE_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def run(module: str, *arguments: str) -> str:
    """Run a module of this package to its end and return what it printed.

    Raises:
        WireError: It failed; the sentence is its own.
    """
    ended = subprocess.run(
        command(module, *arguments),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bound_to_this(),
    )
    if ended.returncode != 0:
        raise WireError(ended.stderr.strip())
    return ended.stdout


def command(module: str, *arguments: str) -> Sequence[str]:
    """The command line of a module."""
    return (sys.executable, "-m", module, *arguments)
