"""Audio filters to wrap, one that a test scripts and the reference filter, called as the FFI would."""

import contextlib
import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import ringtime_filters
from ringtime_filters.wrapping import Mode

HERE = Path(__file__).parent
FILTERS = Path(ringtime_filters.__file__).parent
REFERENCE = FILTERS / "reference.so"
OPTIONS = b'{"url": "ws://127.0.0.1:1/", "token": "a-secret-token"}'
AMPLE_S = 60.0  # longer than anything here takes
SHORT_S = 0.05


def compiled(target: Path, source: Path, *flags: str) -> Path:
    """Compile a test's shared library."""
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-pthread", "-o", target, source, *flags], check=True)
    return target


def in_thread(call: "ctypes._CFuncPtr", *arguments: object) -> "Future[int]":
    """Run a C function beside the test; ctypes lets go of the interpreter lock meanwhile."""
    future: Future[int] = Future()
    threading.Thread(target=lambda: future.set_result(call(*arguments)), daemon=True).start()
    return future


def eventually(fact: Callable[[], bool]) -> None:
    """Wait until a fact holds that another thread brings about."""
    until_s = time.monotonic() + AMPLE_S
    pause = threading.Event()
    while not fact():
        assert time.monotonic() < until_s, "it never came about"
        pause.wait(0.001)


@contextlib.contextmanager
def standard_error(path: Path) -> Iterator[Path]:
    """Keep what is written there meanwhile, to be read while threads write: capfd loses lines then."""
    before = os.dup(2)
    with path.open("wb") as kept:
        os.dup2(kept.fileno(), 2)
    try:
        yield path
    finally:
        os.dup2(before, 2)
        os.close(before)


def load(path: Path) -> ctypes.CDLL:
    """Load a filter as the FFI does."""
    library = ctypes.CDLL(str(path))
    session, n = ctypes.c_void_p, ctypes.c_size_t
    for kind, sample in (("int16", ctypes.c_int16), ("float", ctypes.c_float)):
        samples = ctypes.POINTER(sample)
        getattr(library, f"audio_filter_process_{kind}").argtypes = [session, n, samples, samples]
        if hasattr(library, "audio_filter_create_v2"):
            process = getattr(library, f"audio_filter_process_{kind}_v2")
            process.argtypes = [session, n, samples, n, samples]
            library.audio_filter_create_v2.restype = session
    library.audio_filter_create.restype = session
    library.audio_filter_destroy.argtypes = [session]
    library.audio_filter_update_stream_info.argtypes = [session, ctypes.c_char_p]
    return library


def heard(library: ctypes.CDLL, session: int, samples: Sequence[int]) -> list[int]:
    """What a session makes of some samples."""
    frame = ctypes.c_int16 * len(samples)
    out = frame()
    library.audio_filter_process_int16(session, len(samples), frame(*samples), out)
    return list(out)


@dataclass(frozen=True, slots=True)
class Scripted:
    """A scripted filter and the pipe that ends its initialisations."""

    path: Path
    pipe: int

    def finish(self, result: int) -> None:
        """Let the initialisation that is running, or the next one, end with `result`."""
        os.write(self.pipe, result.to_bytes(1, signed=True))

    def wrapped(self, *, deadline_s: float = AMPLE_S, mode: Mode = "deadline") -> ctypes.CDLL:
        """The filter behind a wrapper of its own."""
        return load(ringtime_filters.wrap(self.path, deadline_s=deadline_s, mode=mode))

    def count(self, what: str) -> int:
        """Times the filter's own function was entered: `on_loads`, `creates`, `destroys`."""
        return ctypes.c_int.in_dll(ctypes.CDLL(str(self.path)), f"scripted_{what}").value

    def kept(self, what: str) -> bytes:
        """What the filter was told last: `token`, `stream_info`."""
        return (ctypes.c_char * 64).in_dll(ctypes.CDLL(str(self.path)), f"scripted_{what}").value
