"""The reference filter, which waits for its settings without a limit, registered as an agent would."""

from __future__ import annotations

from pathlib import Path

from ringtime_filters.errors import FilterError
from ringtime_filters.wrapping import wrap

_LIBRARY = Path(__file__).with_name("reference.so")


def register(kind: str, *, deadline_s: float = 5.0) -> None:
    """Register the reference filter with LiveKit's FFI: every room connection of this process initialises it.

    Args:
        kind: ``unbounded``, the filter as it is; ``bounded``, behind a deadline; ``deferred``, in background.
        deadline_s: Seconds that a ``bounded`` initialisation may take.

    Raises:
        FilterError: The kind is unknown, the library is missing, or there is no such deadline.
    """
    if not _LIBRARY.is_file():
        raise FilterError(
            f"{_LIBRARY} is not compiled: run `make filters` in ringtime's tree, it is for its lab"
        )
    match kind:
        case "unbounded":
            path = _LIBRARY
        case "bounded":
            path = wrap(_LIBRARY, deadline_s=deadline_s)
        case "deferred":
            path = wrap(_LIBRARY, mode="background")
        case _:
            raise FilterError(f"no filter of kind {kind!r}: 'unbounded', 'bounded' or 'deferred' would do")
    from livekit import rtc  # here: those who only wrap a filter need no SDK

    rtc.AudioFilter("ringtime-reference", str(path), [])
