"""Labs that were left running: marked in their folders, found again and ended."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

_MARK = "lab.pid"
_GRACE_S = 30.0


@contextlib.contextmanager
def marked(run_dir: Path) -> Iterator[None]:
    """Leave word in a lab's folder of which process keeps it up, as long as it does."""
    mark = run_dir / _MARK
    this = psutil.Process()
    mark.write_text(f"{this.pid} {this.create_time()}\n")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def take_down(run_dir: Path | None) -> int:
    """End the lab of a folder, or every one below runs/, and wait until it is gone; 1 if one does not go."""
    folders = (
        [run_dir] if run_dir is not None else sorted(path.parent for path in Path("runs").glob(f"*/{_MARK}"))
    )
    stubborn = 0
    ended = 0
    for folder in folders:
        keeper = _keeper(folder)
        if keeper is None:
            (folder / _MARK).unlink(missing_ok=True)
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            keeper.send_signal(signal.SIGTERM)
            try:
                keeper.wait(timeout=_GRACE_S)
            except psutil.TimeoutExpired:
                stubborn += 1
                print(
                    f"lab: the lab in {folder} is still up {_GRACE_S:g} s after it was asked to end",
                    file=sys.stderr,
                )
                continue
        ended += 1
        print(f"lab: ended the lab in {folder}")
    if not ended and not stubborn:
        print("lab: none is up")
    return 1 if stubborn else 0


def _keeper(folder: Path) -> psutil.Process | None:
    try:
        pid, created = (folder / _MARK).read_text().split()
        process = psutil.Process(int(pid))
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    # The same id with another birth is another program.
    return process if abs(process.create_time() - float(created)) < 1 else None
