"""The pool's side of the zygote: starts it, has workers forked by it, ends it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from network.lifetime import bound_to_this
from sip.access import LOOPBACK, MOST_LINES, Access, entering
from sip.errors import PhoneError
from sip.hunt_group import HuntGroup, Worker
from sip.media import Media
from sip.phone import ProcessLoad
from sip.process_cpu import ProcessCpu
from sip.trunk import Trunk
from sip.vital_signs import Sign, VitalSigns
from sip.wire import WAKE_UP, WorkerSpec, encode


class Nursery:
    """Where workers come from; a zygote that died is replaced when the next worker is wanted."""

    def __init__(self, trunk: Trunk, access: Access, media: Media, *, log_folder: Path, voice: Path) -> None:
        """Workers that call `trunk` by `access`, with the WAV `voice`; they log to `log_folder`."""
        self._trunk, self._access, self._media = trunk, access, media
        self._log_folder = log_folder
        self._log = log_folder / "zygote.log"
        self._voice = voice
        self._numbered = 0
        self._waker: socket.socket | None = None
        self._control: socket.socket | None = None
        self._zygote: subprocess.Popen[bytes] | None = None
        self._lifeline: tuple[int, int] | None = None
        self._vital_signs: VitalSigns | None = None
        self._cpu: ProcessCpu | None = None

    def open(self) -> None:
        """Start a zygote; it takes specs at once and serves them when it has imported what it needs.

        Where there was one already it ends, and its workers live on.

        Raises:
            PhoneError: The namespace that it belongs into is gone.
        """
        self._end_zygote()
        if self._lifeline is None:
            self._lifeline = os.pipe()
        if self._vital_signs is None:
            self._vital_signs = VitalSigns.create()
        lifeline, _ = self._lifeline
        enter = entering(self._access.namespace)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        package = str(Path(__file__).parents[1])
        path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        inherited = theirs.fileno(), lifeline, self._vital_signs.descriptor
        with theirs, self._log.open("ab") as log:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "sip.zygote", *map(str, inherited)],
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=bound_to_this(enter),
                start_new_session=True,  # Ctrl-C is for the tester, which then ends the calls properly
            )
        self._cpu = ProcessCpu("zygote", self._zygote.pid)

    def make(self, group: HuntGroup, place: int, *, slots: int) -> Worker:
        """Have a worker made for a place of its group, where each has so many lines."""
        addresses, ports = group.block.addresses(place * slots, MOST_LINES), self._access.ports
        number = self._numbered
        self._numbered += 1
        name = f"worker-{number}"
        log = self._log_folder / f"{name}.log"
        spec = WorkerSpec(
            name=name,
            number=number,
            trunk=self._trunk,
            addresses=addresses,
            sharing=group.block.count is None,
            sip_port=ports.sip,
            rtp_port=ports.rtp,
            rtp_count=ports.rtp_count,
            voice=str(self._voice),
            log=str(log),
            media=self._media,
        )
        return Worker(name, number, group, place, self._fork(spec), log, addresses)

    def _fork(self, spec: WorkerSpec) -> socket.socket:
        """Our end of the worker's socket, non-blocking."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            if not self._send(spec, theirs):
                self.open()
                if not self._send(spec, theirs):
                    ours.close()
                    raise PhoneError(f"The caller's phones cannot be started: see {self._log}.")
        ours.setblocking(False)
        return ours

    def wake(self, worker: Worker) -> None:
        """End the poll of a worker that is ready; raises OSError where its network is gone."""
        if self._waker is None and self._control is not None:
            _, descriptors, _, _ = socket.recv_fds(self._control, 16, 1)  # said before any worker was made
            self._waker = socket.socket(fileno=descriptors[0]) if descriptors else None
        if self._waker is not None:
            self._waker.sendto(WAKE_UP, (worker.addresses[0].bound or LOOPBACK, worker.port))

    def sign(self, worker: Worker) -> Sign | None:
        """The last one that a worker gave, if it gave any."""
        sign = None if self._vital_signs is None else self._vital_signs.read(worker.number)
        return sign if sign and sign.at_s else None

    def load(self) -> ProcessLoad | None:
        """The zygote's CPU share since the last look; None while there is none."""
        return None if self._cpu is None else self._cpu.load()

    def close(self) -> None:
        """End the zygote, and by the kernel every worker that did not go by itself."""
        self._end_zygote()
        for end in self._lifeline or ():
            os.close(end)
        self._lifeline = None
        if self._vital_signs is not None:
            self._vital_signs.close()
            self._vital_signs = None
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
            self._zygote = self._cpu = None

    def _send(self, spec: WorkerSpec, theirs: socket.socket) -> bool:
        if self._control is None:
            return False
        try:
            socket.send_fds(self._control, [encode([spec])], [theirs.fileno()])
        except ConnectionError:
            return False
        return True
