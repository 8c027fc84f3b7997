"""The pool's side of the zygote: starts it, has workers forked by it, ends it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from network.lifetime import bound_to_this
from network.namespace import Namespace
from sip.errors import PhoneError
from sip.phone import ProcessLoad
from sip.wire import WAKE_UP, WorkerSpec, encode


class Nursery:
    """Where workers come from; a zygote that died is replaced when the next worker is wanted."""

    def __init__(self, log: Path, namespace: Namespace | None = None) -> None:
        self._log = log
        self._namespace = namespace
        self._waker: socket.socket | None = None
        self._control: socket.socket | None = None
        self._zygote: subprocess.Popen[bytes] | None = None
        self._lifeline: tuple[int, int] | None = None
        self._cpu = (0.0, 0.0)

    def open(self) -> None:
        """Start a zygote; it takes specs at once and serves them when it has imported what it needs.

        Where there was one already it ends, and its workers live on.

        Raises:
            PhoneError: The namespace that it belongs into is gone.
        """
        self._end_zygote()
        if self._lifeline is None:
            self._lifeline = os.pipe()
        lifeline, _ = self._lifeline
        try:
            enter = self._namespace.entering() if self._namespace is not None else None
        except OSError as error:
            raise PhoneError(
                f"The network that the callers belong to is gone ({error}): see the logs of what emulates it."
            ) from error
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        package = str(Path(__file__).parents[1])
        path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        with theirs, self._log.open("ab") as log:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "sip.zygote", str(theirs.fileno()), str(lifeline)],
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=[theirs.fileno(), lifeline],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=bound_to_this(enter),
                start_new_session=True,  # Ctrl-C is for the tester, which then ends the calls properly
            )
        self._cpu = (0.0, time.monotonic())

    def fork(self, spec: WorkerSpec) -> socket.socket:
        """Have a worker made; the answer is our end of its socket, non-blocking."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            if not self._send(spec, theirs):
                self.open()
                if not self._send(spec, theirs):
                    ours.close()
                    raise PhoneError(f"The caller's phones cannot be started: see {self._log}.")
        ours.setblocking(False)
        return ours

    def wake(self, address: str, port: int) -> None:
        """End the poll of a worker that is ready; raises OSError where its network is gone."""
        if self._waker is None and self._control is not None:
            _, descriptors, _, _ = socket.recv_fds(self._control, 16, 1)  # said before any worker was made
            self._waker = socket.socket(fileno=descriptors[0]) if descriptors else None
        if self._waker is not None:
            self._waker.sendto(WAKE_UP, (address, port))

    def load(self) -> ProcessLoad | None:
        """The zygote's CPU share since the last look; None while there is none."""
        if self._zygote is None:
            return None
        try:
            stat = Path(f"/proc/{self._zygote.pid}/stat").read_text()
        except FileNotFoundError:
            return None
        user, system = stat.rsplit(")", 1)[1].split()[11:13]  # proc(5): fields 14 and 15, in clock ticks
        cpu_s = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        now_s = time.monotonic()
        before_cpu_s, before_s = self._cpu
        self._cpu = (cpu_s, now_s)
        return ProcessLoad("zygote", self._zygote.pid, (cpu_s - before_cpu_s) / (now_s - before_s))

    def close(self) -> None:
        """End the zygote, and by the kernel every worker that did not go by itself."""
        self._end_zygote()
        for end in self._lifeline or ():
            os.close(end)
        self._lifeline = None
        if self._waker is not None:
            self._waker.close()
            self._waker = None

    def _end_zygote(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._zygote is not None:
            self._zygote.kill()
            self._zygote.wait()
            self._zygote = None

    def _send(self, spec: WorkerSpec, theirs: socket.socket) -> bool:
        if self._control is None:
            return False
        try:
            socket.send_fds(self._control, [encode([spec])], [theirs.fileno()])
        except ConnectionError:
            return False
        return True
