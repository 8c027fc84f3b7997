"""The voice of calls: what carries it, and our side of the RTP pump, which carries that of all of them."""

import socket
import subprocess
from enum import StrEnum
from pathlib import Path

from network.lifetime import bound_to_this
from network.namespace import Namespace
from sip.access import entering
from sip.errors import PhoneError
from sip.phone import ProcessLoad
from sip.process_cpu import ProcessCpu
from sip.pump_words import Message, read
from sip.sdp import FarMedia

PROGRAM = Path(__file__).parent / "pump" / "pump"
_PACKET_BYTES = 1 << 18
_NS = 1_000_000_000
_ENDS_WITHIN_S = 5.0


class Media(StrEnum):
    """`pump` and `pjsua2` send and hear RTP; with `none` it is negotiated, and nothing sent or heard."""

    PUMP = "pump"
    PJSUA2 = "pjsua2"
    NONE = "none"

    @property
    def dial_gap_s(self) -> float:
        """How far apart the calls of one worker are, on the mean.

        The library keeps a closed RTP socket for 500 ms, and aborts at 70 calls/s.
        """
        return 0.04 if self is Media.PJSUA2 else 0.0


class Speech(StrEnum):
    """What a pump says: its voice over and over, a phrase when it is its turn, or what it hears."""

    LOOP = "loop"
    CONVERSE = "converse"
    ECHO = "echo"


class Pump:
    """One pump and the ears that it has; nothing waits but `open`.

    Ears are numbered by the caller. Each is opened, started once the far end has said where it is, again
    where that changes, and stopped, which is answered by its Report.
    """

    def __init__(
        self,
        *,
        log: Path,
        voice: Path,
        namespace: Namespace | None = None,
        speech: Speech = Speech.CONVERSE,
    ) -> None:
        """Callers say what the WAV `voice` has, of 8 kHz mono PCM, in the `namespace` if there is one."""
        self._log = log
        self._voice = voice
        self._speech = speech
        self._namespace = namespace
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: list[str] = []
        self._cpu: ProcessCpu | None = None

    def open(self) -> None:
        """Start the pump, in the place of one that died.

        Raises:
            PhoneError: It was not built, or the namespace that it belongs into is gone.
        """
        self.close()
        if not PROGRAM.is_file():
            raise PhoneError(f"The RTP pump is not built ({PROGRAM.name} is missing): run `make setup`.")
        enter = entering(self._namespace)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, str(theirs.fileno()), self._voice, self._speech],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=bound_to_this(enter),
                start_new_session=True,  # Ctrl-C is for the tester, which then ends the calls properly
            )
        ours.setblocking(False)
        self._control = ours
        self._cpu = ProcessCpu("pump", self._process.pid)

    def fileno(self) -> int:
        """Readable when the pump has something to say."""
        assert self._control is not None  # noqa: S101 - for the type checker: only an open one is watched
        return self._control.fileno()

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return None if self._process is None else self._process.pid

    def open_ear(self, ear: int, address: str, port: int = 0, count: int = 0) -> None:
        """Have ports bound at the address ("" is any): of `count` from `port` on, or any where that is 0."""
        self._order(f"open {ear} {address or '*'} {port} {count}")

    def start(self, ear: int, far: FarMedia, *, answered_s: float | None) -> None:
        """Hear the far end, and speak from the answer on; before it (None) what comes is only counted."""
        answered_ns = 0 if answered_s is None else round(answered_s * _NS)
        digits_type = -1 if far.digits_payload_type is None else far.digits_payload_type
        self._order(
            f"start {ear} {far.host} {far.port} {far.rtcp_port} {far.payload_type} {digits_type} "
            f"{far.hears:d} {answered_ns}"
        )

    def digits(self, ear: int, digits: str) -> None:
        """Key the digits in, in the voice's place (RFC 4733)."""
        self._order(f"digits {ear} {digits}")

    def record(self, ear: int) -> None:
        """Remember both voices from the answer on, to be kept or discarded once the ear is stopped."""
        self._order(f"record {ear}")

    def keep(self, ear: int, path: Path) -> None:
        """Write them as a WAV of two channels, the caller left and the far end right."""
        self._order(f"keep {ear} {path.absolute()}")

    def discard(self, ear: int) -> None:
        """Forget them."""
        self._order(f"discard {ear}")

    def stop(self, ear: int) -> None:
        """Be silent, give the ports back and report."""
        self._order(f"stop {ear}")

    def messages(self) -> list[Message] | None:
        """What it has said since the last look; None once it is gone."""
        if self._control is None:
            return None
        self._flush()
        found: list[Message] = []
        while True:
            try:
                packet = self._control.recv(_PACKET_BYTES)
            except BlockingIOError:
                return found
            except ConnectionError:
                return found or None
            if not packet:
                return found or None
            found += [read(line) for line in packet.decode().splitlines()]

    def load(self) -> ProcessLoad | None:
        """Its CPU share since the last look; None while there is none."""
        return None if self._cpu is None else self._cpu.load()

    def kill(self) -> None:
        """Have the kernel end one that froze; it shows as gone when it is."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End it; may be called again."""
        if self._control is not None:
            self._flush()
            self._control.close()
            self._control = None
        self._orders.clear()
        if self._process is not None:
            try:
                self._process.wait(_ENDS_WITHIN_S)  # with its socket, once its recordings are written
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = self._cpu = None

    def _order(self, order: str) -> None:
        self._orders.append(order)
        self._flush()

    def _flush(self) -> None:
        if not self._orders or self._control is None:
            return
        try:
            self._control.send("\n".join(self._orders).encode())
        except BlockingIOError:
            return  # it does not read just now: kept, and tried again with the next
        except OSError:
            pass  # it is gone, which its end of file says
        self._orders.clear()
