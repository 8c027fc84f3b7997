"""An answering side as a child process, for whoever calls it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from sip.answering_ears import Heard
from sip.companion import Companion
from sip.errors import OptionRefusedError, TrunkError
from sip.trunk import Trunk

_READY_WITHIN_S = 20.0
_GONE_WITHIN_S = 5.0
_REFUSED = 2


class Answering:
    """`python -m sip answer` with these arguments: it answers calls until the end of the block.

    Its complaints go to `log`. It ends when this process does, whatever ends that. What it `heard`, if it was
    to, is known after the block.

    Raises:
        OptionRefusedError: It refused an argument.
        TrunkError: It was not ready in time, or ended before.
    """

    def __init__(self, arguments: Sequence[str] = (), *, log: Path | None = None) -> None:
        """Start it."""
        command = [sys.executable, "-m", "sip", "answer", "--json", *arguments]
        self._companion = Companion(command, gone_within_s=_GONE_WITHIN_S, log=log)
        self.heard: Heard | None = None
        self._see = "" if log is None else f": see {log}"
        try:
            self.trunk = Trunk.parse(self._uri())
        except BaseException:
            self._companion.stop()
            raise

    def _uri(self) -> str:
        try:
            line = self._companion.first_line(go_on=lambda: True, within_s=_READY_WITHIN_S)
        except TimeoutError:
            within = f"within {_READY_WITHIN_S:g} s"
            raise TrunkError(f"the answering side was not ready {within}{self._see}") from None
        if line is None:
            code = self._companion.wait()
            raise TrunkError(f"the answering side ended with exit code {code}{self._see}")
        if not line["ready"]:
            refused = self._companion.wait() == _REFUSED
            raise (OptionRefusedError if refused else TrunkError)(str(line["error"]))
        return str(line["uri"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._companion.release()
        self._companion.wait()
        for line in self._companion.lines():
            if line.pop("ended", False):
                self.heard = Heard(**line)
        self._companion.stop()
