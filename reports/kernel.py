"""The process that notebooks run in."""

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from reports.handover import Read, hand_over

CELL_TIMEOUT_S = 300
_ROOT = Path(__file__).parents[1]


class NotebookError(Exception):
    """There is no such notebook, or it did not run to its end."""


class Kernel:
    """A Python that runs notebooks one after another: what one has imported is there for the next."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        # Sockets in a folder of our own instead of ports that any user of the machine could reach.
        sockets = {"transport": "ipc", "connection_file": f"{self._folder.name}/kernel.json"}
        self._manager = AsyncKernelManager(
            kernel_name="python3", config=Config({"AsyncKernelManager": sockets})
        )

    def run(self, name: str, cells: NotebookNode, read: Read) -> None:
        """Fill in what each cell says of some runs; raises NotebookError where one fails."""
        scratch = self._folder.name
        environment = {
            **os.environ,
            **hand_over(read, Path(scratch)),
            "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            # The kernel leaves neither history nor connection files behind.
            "IPYTHONDIR": scratch,
            "JUPYTER_RUNTIME_DIR": scratch,
            "MPLBACKEND": "agg",
        }
        client = NotebookClient(
            cells, km=self._manager, timeout=CELL_TIMEOUT_S, resources={"metadata": {"path": scratch}}
        )
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            last = str(error).strip().splitlines()[-1]
            raise NotebookError(f"The notebook {name!r} did not run to its end: {last}.") from error
        finally:
            if client.kc is not None:
                client.kc.stop_channels()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._manager.has_kernel:
            run_sync(self._manager.shutdown_kernel)(now=True)  # it holds nothing that could be lost
        self._folder.cleanup()
