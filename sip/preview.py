"""What the analysis says of a run before its first call, asked while everything else starts."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from sip.errors import OptionRefusedError
from sip.options import Options

_REFUSED = 2


class Preview:
    """`python -m reports.preview` as a child: the analysis never shares a process with the calls."""

    def __init__(self, options: Options, settings: Mapping[str, Any]) -> None:
        """Begin to ask; `settings` are run.json as far as it is known."""
        calls = options.calls // len(options.arms)
        command = [sys.executable, "-m", "reports.preview", json.dumps(settings), "--calls", str(calls)]
        for limit in options.gates:
            command += ["--gate", str(limit)]
        for place in options.baseline:
            command += ["--baseline", place]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._heeded = False

    def kill(self) -> None:
        """End it; of no effect once it has ended."""
        self._child.kill()

    def heed(self) -> str:
        """Wait for what a run of this size cannot decide; nothing where it can, or where it was asked before.

        Raises:
            OptionRefusedError: a gate or a baseline is none that the run can be held to.
        """
        if self._heeded:
            return ""
        self._heeded = True
        said, refused = (words.strip() for words in self._child.communicate())
        if self._child.returncode == _REFUSED:
            raise OptionRefusedError(refused)
        return said
