"""Two programs that talk over a wire: one in the core, one where callers are."""

import subprocess
import sys
import textwrap

from network.executor import Wire
from network.topology import Place


def converse(wire: Wire, *, core: str, caller: str) -> None:
    """Run the caller's Python once the core's has said that it is listening; both must end well."""
    served = [sys.executable, "-c", textwrap.dedent(core)]
    with wire.start(Place.CORE, served, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"listening\n"
        with wire.start(Place.CALLERS, [sys.executable, "-c", textwrap.dedent(caller)]) as calling:
            assert calling.wait(30) == 0
        assert server.wait(30) == 0
