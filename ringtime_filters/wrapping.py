"""One filter behind one copy of the wrapper."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from ringtime_filters.errors import FilterError

Mode = Literal["deadline", "background"]

LONGEST_DEADLINE_S = 86400.0

behind_wrappers: set[Path] = set()  # the filters that this process has wrapped, by their real paths

_HERE = Path(__file__).parent
_REQUIRED = ("on_load", "create", "destroy", "process_int16", "process_float", "update_stream_info")
_CONVERTS_RATES = ("create_v2", "process_int16_v2")  # with both of them the FFI hands it two rates


def wrap(
    path: str | os.PathLike[str],
    *,
    deadline_s: float = 5.0,
    mode: Mode = "deadline",
    dependencies: Sequence[str] = (),
) -> Path:
    """Give a filter a bounded initialisation and return the library to register in its stead.

    The library lives in this process and those forked from it. The same filter with the same bound is wrapped
    once; a library that is a wrapper already is returned as it is.

    Args:
        path: The filter's shared library.
        deadline_s: Seconds its initialisation may take before the call goes on without it, in deadline mode.
        mode: ``deadline``: the room waits that long and goes on without the filter when it is late.
            ``background``: the room does not wait, audio passes unchanged until the filter is ready.
        dependencies: Libraries to be loaded before the filter, as ``livekit.rtc.AudioFilter`` takes them.

    Raises:
        FilterError: ``path`` is no audio filter, or there is no such deadline or mode.
    """
    check_bound(deadline_s, mode)
    for dependency in dependencies:
        _load(dependency)
    path = Path(path).absolute()
    stand_in = wrapper_for(path)
    return path if stand_in == path else _wrapped(path, float(deadline_s), mode, stand_in)


def wrapper_for(path: str | os.PathLike[str]) -> Path:
    """The compiled wrapper that fits a filter; its own path for a wrapper. Raises FilterError as `wrap`."""
    path = Path(path).absolute()
    if not path.is_file():
        raise FilterError(f"no audio filter at {path}: name the filter's shared library")
    library = _load(path)
    if hasattr(library, "ringtime_filters_configure"):
        return path
    missing = [name for name in _REQUIRED if not hasattr(library, f"audio_filter_{name}")]
    if missing:
        raise FilterError(f"{path} is no audio filter: it has no audio_filter_{missing[0]}")
    converts_rates = all(hasattr(library, f"audio_filter_{name}") for name in _CONVERTS_RATES)
    wrapper = _HERE / ("bounded_v2.so" if converts_rates else "bounded.so")
    if not wrapper.is_file():
        raise FilterError(f"{wrapper} is not compiled: run `make filters`, or install the package anew")
    return wrapper


def check_bound(deadline_s: float, mode: str) -> None:
    """Raise FilterError where there is no such deadline or mode."""
    if not 0 < deadline_s <= LONGEST_DEADLINE_S:  # neither is a NaN
        raise FilterError(
            f"a deadline of {deadline_s} s: a number of seconds above 0 and up to a day would do"
        )
    if mode not in get_args(Mode):
        raise FilterError(f"no mode {mode!r}: 'deadline' or 'background' would do")


@functools.cache
def _wrapped(path: Path, deadline_s: float, mode: Mode, original: Path) -> Path:
    """A path is one library with one state, and the FFI names no filter to it: each gets a copy."""
    copy, library = _private_copy(original, path.name)
    configure = library.ringtime_filters_configure
    configure.argtypes = [ctypes.c_char_p, ctypes.c_double, ctypes.c_bool]
    configure.restype = ctypes.c_char_p
    wrong = configure(os.fsencode(path), deadline_s, mode == "background")
    if wrong:
        raise FilterError(f"{path} {wrong.decode(errors='replace')}")
    behind_wrappers.add(path.resolve())
    return copy


def _private_copy(original: Path, name: str) -> tuple[Path, ctypes.CDLL]:
    """A copy of a library that no other process sees and nothing has to remove, loaded.

    In memory, so that neither a read-only disk nor a `noexec` one matters; its descriptor stays open, for the
    path must stay its own. Where that is forbidden, in a file that is deleted once it is loaded: the loader
    knows a loaded library by its path.
    """
    content = original.read_bytes()
    try:
        in_memory = os.memfd_create(f"ringtime-{name}"[:200])
        try:
            with open(in_memory, "wb", closefd=False) as file:
                file.write(content)
            copy = Path(f"/proc/self/fd/{in_memory}")
            return copy, ctypes.CDLL(str(copy))
        except OSError:
            os.close(in_memory)
            raise
    except OSError:
        import tempfile  # here: it is rarely needed, and every start of Python would wait for it

        with tempfile.NamedTemporaryFile(prefix="ringtime-", suffix=".so") as file:
            file.write(content)
            file.flush()
            return Path(file.name), _load(file.name)


def _load(path: str | Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise FilterError(f"{path} is no shared library that can be loaded: {error}") from error
