"""Audio filters to wrap: one that a test scripts, and the reference filter."""

import ctypes
import os
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import ringtime_filters
from ringtime_filters.wrapping import Mode

REFERENCE = Path(ringtime_filters.__file__).parent / "reference.so"
OPTIONS = b'{"url": "ws://127.0.0.1:1/", "token": "a-secret-token"}'


def in_thread(call: "ctypes._CFuncPtr", *arguments: object) -> "Future[int]":
    """Run a C function beside the test; ctypes lets go of the interpreter lock meanwhile."""
    future: Future[int] = Future()
    threading.Thread(target=lambda: future.set_result(call(*arguments)), daemon=True).start()
    return future


def load(path: Path) -> ctypes.CDLL:
    """Load a filter as the FFI does."""
    library = ctypes.CDLL(str(path))
    library.audio_filter_create.restype = ctypes.c_void_p
    library.audio_filter_destroy.argtypes = [ctypes.c_void_p]
    library.audio_filter_process_int16.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_int16),
        ctypes.POINTER(ctypes.c_int16),
    ]
    return library


@dataclass(frozen=True, slots=True)
class Scripted:
    """A scripted filter and the pipe that ends its initialisations."""

    path: Path
    pipe: int

    def finish(self, result: int) -> None:
        """Let the initialisation that is running, or the next one, end with `result`."""
        os.write(self.pipe, result.to_bytes(1, signed=True))

    def wrapped(self, *, deadline_s: float = 5.0, mode: Mode = "deadline") -> ctypes.CDLL:
        """The filter behind a wrapper of its own."""
        return load(ringtime_filters.wrap(self.path, deadline_s=deadline_s, mode=mode))

    @property
    def on_loads(self) -> int:
        """Times the filter's own on_load was entered."""
        return ctypes.c_int.in_dll(ctypes.CDLL(str(self.path)), "scripted_on_loads").value
