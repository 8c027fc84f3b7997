"""The UDP packets of one port of the loopback, as the kernel stamped them: tcpdump writes, this reads."""

import os
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple

from benchmarks.errors import BenchmarkError

_HOST = "127.0.0.1"
_SNAP_BYTES = 4096  # of a packet; a slot of the kernel's ring is as large, so it holds 16,000 packets
_RING_KIB = 65_536
_READY_WITHIN_S = 20.0
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))  # where some systems keep it
_NANOSECONDS = 0xA1B23C4D  # pcap-savefile(5): the times are seconds and nanoseconds
_ETHERNET = 1
_FILE_HEADER = struct.Struct("=IHHiIII")
_RECORD_HEADER = struct.Struct("=IIII")
_FRAME_BYTES = 14
_UDP_BYTES = 8
_DROPPED = re.compile(r"(\d+) packets? dropped by (?:kernel|interface)")


class Packet(NamedTuple):
    """One datagram, with the time of the wall clock at which the kernel handed it on."""

    at_ns: int
    from_port: int
    to_port: int
    payload: bytes


def missing_for_capture() -> str | None:
    """Why packets cannot be captured here, with what would do; None where they can."""
    if shutil.which("tcpdump", path=_PATH) is None:
        return "tcpdump is not installed: run `make tcpdump`"
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except PermissionError:
        return "this user may not capture packets: run it as root"
    return None


@contextmanager
def captured(port: int, more: str | None = None) -> Iterator[list[Packet]]:
    """What goes to and from a port while the block runs; the list is filled when it has ended.

    `more` is a filter of pcap-filter(7) for datagrams that are wanted as well.

    The loopback shows each packet going and coming: libpcap keeps the second look, so each is here once.

    Raises:
        BenchmarkError: tcpdump is missing, may not capture, or lost a packet.
    """
    if (why := missing_for_capture()) is not None:
        raise BenchmarkError(why)
    packets: list[Packet] = []
    # AppArmor's profile of tcpdump lets it write to files of this name only, handed over or not.
    with tempfile.NamedTemporaryFile(suffix=".pcap") as tape, socket.socket(type=socket.SOCK_DGRAM) as marker:
        marker.bind((_HOST, 0))
        mark_port = marker.getsockname()[1]
        command = ["tcpdump", "-i", "lo", "-n", "--time-stamp-precision=nano", "--immediate-mode"]
        command += ["-s", str(_SNAP_BYTES), "-B", str(_RING_KIB), "-U", "-w", "-"]
        wanted = [f"port {port}", f"port {mark_port}", *([f"({more})"] if more else [])]
        command += [f"udp and ({' or '.join(wanted)})"]
        # It keeps no file of its own: it may have given up the right to write where this process can.
        process = subprocess.Popen(
            command, stdout=tape, stderr=subprocess.PIPE, text=True, env={**os.environ, "PATH": _PATH}
        )
        try:
            _see_mark(process, tape, marker)
            yield packets
            # It ends with what it has read, not with what has come: this comes last.
            _see_mark(process, tape, marker)
            process.send_signal(signal.SIGINT)
            _, words = process.communicate(timeout=_READY_WITHIN_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        if any(int(lost) for lost in _DROPPED.findall(words)):
            raise BenchmarkError(f"tcpdump lost packets, so the capture is not whole: {words.strip()}")
        tape.seek(0)
        packets += (one for one in read(tape.read()) if mark_port not in (one.from_port, one.to_port))


def read(tape: bytes) -> Iterator[Packet]:
    """The UDP datagrams of a capture of an Ethernet-like device with times in nanoseconds, IPv4 only.

    Raises:
        BenchmarkError: It is a file of another kind.
    """
    magic, *_, link = _FILE_HEADER.unpack_from(tape)
    if (magic, link) != (_NANOSECONDS, _ETHERNET):
        raise BenchmarkError(f"not a capture of this machine's loopback: magic {magic:#x}, link type {link}")
    place = _FILE_HEADER.size
    while place + _RECORD_HEADER.size <= len(tape):
        seconds, nanoseconds, kept, _ = _RECORD_HEADER.unpack_from(tape, place)
        place += _RECORD_HEADER.size
        datagram = place + _FRAME_BYTES + (tape[place + _FRAME_BYTES] & 0x0F) * 4  # the IP header's words
        from_port, to_port, length = struct.unpack_from("!HHH", tape, datagram)
        payload = tape[datagram + _UDP_BYTES : datagram + length]
        yield Packet(seconds * 1_000_000_000 + nanoseconds, from_port, to_port, payload)
        place += kept


def _see_mark(process: "subprocess.Popen[str]", tape: IO[bytes], marker: socket.socket) -> None:
    """Return once a packet that is sent now is on the tape, and with it all that came before."""
    until_s = time.monotonic() + _READY_WITHIN_S
    size = os.fstat(tape.fileno()).st_size
    mark = secrets.token_bytes(16)
    while mark not in os.pread(tape.fileno(), 1 << 30, size):
        if process.poll() is not None:
            words = process.communicate()[1].strip() or "it said nothing"
            raise BenchmarkError(f"tcpdump ended with {process.returncode}: {words.splitlines()[-1]}")
        if time.monotonic() > until_s:
            raise BenchmarkError(f"tcpdump saw no packet of the loopback within {_READY_WITHIN_S:g} s")
        marker.sendto(mark, marker.getsockname())
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
