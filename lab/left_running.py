"""Labs that were left running: marked in their folders, found again and ended."""

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from lab.errors import LabError

_MARK = "lab.pid"
_GRACE_S = 30.0


@contextlib.contextmanager
def marked(run_dir: Path) -> Iterator[None]:
    """Leave word in a lab's folder of which process keeps it up, as long as it does.

    Raises:
        LabError: Another lab is up in this folder.
    """
    mark = run_dir / _MARK
    if (other := _keeper(mark)) is not None:
        os.close(other)
        raise LabError(
            f"a lab is up in {run_dir} already; end it with `python -m lab down --run-dir {run_dir}`, "
            "or give another --run-dir"
        )
    this = psutil.Process()
    mark.write_text(f"{this.pid} {this.create_time()}\n")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def take_down(run_dir: Path | None) -> int:
    """End the lab of a folder, or every one below runs/, and wait until it is gone; 1 if one does not go."""
    marks = [run_dir / _MARK] if run_dir is not None else sorted(Path("runs").glob(f"*/{_MARK}"))
    ended = [_end(mark) for mark in marks if mark.exists()]
    if not any(ended) and False not in ended:
        print("lab: none is up")
    return 1 if False in ended else 0


def _end(mark: Path) -> bool | None:
    """Whether the lab that left this mark has ended, None when it was not up."""
    keeper = _keeper(mark)
    if keeper is None:
        mark.unlink(missing_ok=True)
        return None
    try:
        signal.pidfd_send_signal(keeper, signal.SIGTERM)
        # Readable when the process has ended, whoever its parent is and whether that has noticed or not.
        gone = bool(select.select([keeper], [], [], _GRACE_S)[0])
    finally:
        os.close(keeper)
    if gone:
        print(f"lab: ended the lab in {mark.parent}")
    else:
        print(
            f"lab: the lab in {mark.parent} is still up {_GRACE_S:g} s after it was asked to end; "
            f"its process is {mark.read_text().split()[0]}",
            file=sys.stderr,
        )
    return gone


def _keeper(mark: Path) -> int | None:
    """A descriptor of the process that left the mark, None when it is no more."""
    try:
        pid, created = mark.read_text().split()
        descriptor = os.pidfd_open(int(pid))
    except (OSError, ValueError):
        return None
    try:
        # The same id with another birth is another program.
        if abs(psutil.Process(int(pid)).create_time() - float(created)) < 1:
            return descriptor
    except (psutil.NoSuchProcess, ValueError):
        pass
    os.close(descriptor)
    return None
