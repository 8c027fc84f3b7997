"""Exchanges the faults of a lab that is up."""

import contextlib
import sys
from pathlib import Path

from lab.control import ask
from lab.errors import LabError
from lab.settings import arm_of, control_sockets


async def switch(spec: str, *, run_dir: Path | None, arm: str | None) -> int:
    """Have set-ups meet `spec` from the next one on, in all arms or in one; 1 when an arm refused it.

    Raises:
        LabError: No such lab is up, or it has no such arm.
    """
    sockets = await _answering(run_dir)
    if arm is not None:
        names = ", ".join(map(arm_of, sockets))
        sockets = [socket for socket in sockets if arm_of(socket) == arm]
        if not sockets:
            raise LabError(f"--arm cannot be {arm!r}: the lab has {names}")
    refused = 0
    for socket in sockets:
        answer = await ask(socket, {"filter_fault": spec})
        if "error" in answer:
            refused += 1
            print(f"lab: {arm_of(socket)} goes on as before: {answer['error']}", file=sys.stderr)
        else:
            print(f"lab: {arm_of(socket)} meets {answer['filter_fault']} from now on")
    return 1 if refused else 0


async def _answering(run_dir: Path | None) -> list[Path]:
    """The sockets of the lab in this folder, or of the only one in runs/ that is up."""
    up: dict[Path, list[Path]] = {}
    for socket in _sockets(run_dir):
        with contextlib.suppress(OSError):  # left by a lab that was killed
            await ask(socket, {})
            up.setdefault(socket.parent, []).append(socket)
    if not up:
        where = "in runs/" if run_dir is None else f"in {run_dir}"
        raise LabError(f"no lab is up {where}: bring one up, or name its folder with --run-dir")
    if len(up) > 1:
        raise LabError(f"several labs are up: name one with --run-dir, {' or '.join(map(str, up))}")
    return next(iter(up.values()))


def _sockets(run_dir: Path | None) -> list[Path]:
    if run_dir is not None:
        return control_sockets(run_dir)
    folders = (path for path in Path("runs").glob("*") if not path.is_symlink())
    return [socket for folder in sorted(folders) for socket in control_sockets(folder)]
