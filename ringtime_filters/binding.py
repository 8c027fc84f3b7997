"""Every filter that this process registers with LiveKit is wrapped on its way."""

from __future__ import annotations

import ctypes
import functools
import importlib.machinery
import importlib.util
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from ringtime_filters.errors import FilterError
from ringtime_filters.wrapping import Mode, behind_wrappers, check_bound, wrap

_REGISTRAR = "livekit.rtc.audio_filter"  # the module of livekit.rtc.AudioFilter


class _Bound(NamedTuple):
    deadline_s: float
    mode: Mode
    leave_out: bool


_bound: _Bound | None = None


def bound(deadline_s: float = 5.0, mode: Mode = "deadline") -> None:
    """Bound the initialisation of every audio filter that this process registers from now on.

    To be called before the filter's plugin is imported, since the import registers it: what is registered
    already stays as it is and is warned of. May be called again; later registrations go by the last call.

    Args:
        deadline_s: Seconds an initialisation may take before the call goes on without its filter.
        mode: ``deadline`` or ``background``, as for ``wrap``.

    Raises:
        FilterError: There is no such deadline or mode; also from registering what cannot be wrapped.
    """
    bind(deadline_s, mode, leave_out=False)


def bind(deadline_s: float, mode: Mode, *, leave_out: bool) -> None:
    """Do as `bound`; a filter that cannot be wrapped is left out and said where `leave_out`."""
    global _bound
    check_bound(deadline_s, mode)
    first, _bound = _bound is None, _Bound(deadline_s, mode, leave_out)
    if not first:
        return
    registrar = sys.modules.get(_REGISTRAR)
    if registrar is None:
        sys.meta_path.insert(0, _WhenImported())
        return
    for filter_ in _loaded_filters():
        warnings.warn(
            f"{filter_} was registered before ringtime_filters.bound() and initialises without a limit: "
            "call bound() before its plugin is imported",
            RuntimeWarning,
            stacklevel=3,
        )
    _take_over(registrar)


class _WhenImported:
    """Takes the registrar over as soon as somebody imports it, and imports nothing itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _REGISTRAR:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_take_over(module: ModuleType) -> None:
                execute(module)
                _take_over(module)

            spec.loader.exec_module = execute_and_take_over  # type: ignore[method-assign]
        return spec


def _take_over(registrar: ModuleType) -> None:
    register = registrar.AudioFilter.__init__

    @functools.wraps(register)
    def register_wrapped(
        self: Any,
        module_id: str,
        path: str,
        dependencies: list[str] | None = None,
    ) -> None:
        now = _bound
        assert now is not None  # noqa: S101 — nothing unbinds
        try:
            wrapped = wrap(path, deadline_s=now.deadline_s, mode=now.mode, dependencies=dependencies or [])
        except FilterError as error:
            if not now.leave_out:
                raise
            print(f"ringtime_filters: {Path(path).name}: left out: {error}", file=sys.stderr)
            return
        register(self, module_id, str(wrapped), dependencies)

    registrar.AudioFilter.__init__ = register_wrapped


def _loaded_filters() -> list[Path]:
    """The audio filters among the libraries of this process that are neither wrappers nor behind one."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    mapped = {Path(line.split(maxsplit=5)[5]) for line in maps if ".so" in line}
    return [path for path in sorted(mapped - behind_wrappers) if _is_filter(path)]


def _is_filter(path: Path) -> bool:
    try:
        library = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD)
    except OSError:  # mapped, but no library, or deleted since
        return False
    return hasattr(library, "audio_filter_on_load") and not hasattr(library, "ringtime_filters_configure")
