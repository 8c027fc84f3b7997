"""A deadline around the initialisation of LiveKit audio filters.

LiveKit's FFI runs a filter's ``audio_filter_on_load`` inside the room connection and waits for it without a
limit. The wrapper in ``bounded.c`` stands in for a filter and gives that wait a deadline; ``reference.c`` is
a filter with the defect, for tests.
"""

from __future__ import annotations

import ctypes
import math
import os
from pathlib import Path

__all__ = ["FilterError", "register", "wrap"]

_HERE = Path(__file__).parent
_REQUIRED = ("on_load", "create", "destroy", "process_int16", "process_float", "update_stream_info")


class FilterError(Exception):
    """A library that cannot serve as an audio filter, or a deadline that is none."""


def register(kind: str, *, deadline_s: float = 5.0) -> None:
    """Register the reference filter with LiveKit's FFI: every room connection of this process initialises it.

    Args:
        kind: ``unbounded``, the filter as it is, or ``bounded``, behind a deadline.
        deadline_s: seconds that a ``bounded`` initialisation may take.

    Raises:
        FilterError: the kind is unknown, the library is missing, or the deadline is not above 0.
    """
    from livekit import (
        rtc,
    )  # here: those who only wrap a filter need no SDK, and importing it starts nothing early

    reference = _compiled("reference.so")
    match kind:
        case "unbounded":
            path = reference
        case "bounded":
            path = wrap(reference, deadline_s=deadline_s)
        case _:
            raise FilterError(f"no filter of kind {kind!r}: 'unbounded' or 'bounded' would do")
    rtc.AudioFilter("ringtime-reference", str(path), [])


def wrap(path: Path, *, deadline_s: float) -> Path:
    """Prepare this process for one wrapped filter and return the library to load in its stead.

    The wrapper reads its target from the environment when it is loaded: one filter a process.

    Args:
        path: the filter's shared library.
        deadline_s: seconds its initialisation may take before the call goes on without it.

    Raises:
        FilterError: ``path`` is no audio filter, or the deadline is not above 0.
    """
    if not (math.isfinite(deadline_s) and deadline_s > 0):
        raise FilterError(f"a deadline of {deadline_s} s: a number of seconds above 0 would do")
    path = path.resolve()
    if not path.is_file():
        raise FilterError(f"no audio filter at {path}: name the filter's shared library")
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise FilterError(f"{path} is no shared library: {error}") from error
    missing = [name for name in _REQUIRED if not hasattr(library, f"audio_filter_{name}")]
    if missing:
        raise FilterError(f"{path} is no audio filter: it has no audio_filter_{missing[0]}")
    os.environ["RINGTIME_FILTER"] = str(path)
    os.environ["RINGTIME_FILTER_DEADLINE_S"] = str(deadline_s)
    converts_rates = hasattr(library, "audio_filter_create_v2")
    return _compiled("bounded_v2.so" if converts_rates else "bounded.so")


def _compiled(name: str) -> Path:
    library = _HERE / name
    if not library.is_file():
        raise FilterError(f"{library} is not compiled: run `make filters`")
    return library
