"""What the environment says about `bound()`, for agents whose code stays as it is."""

from __future__ import annotations

import os
import sys

from ringtime_filters.binding import bind
from ringtime_filters.errors import FilterError
from ringtime_filters.wrapping import Mode, check_bound

DEADLINE_S = "RINGTIME_FILTER_DEADLINE_S"
MODE = "RINGTIME_FILTER_MODE"

_DEFAULT_DEADLINE_S = 5.0


def bind_as_told() -> None:
    """Bound this process's filters as the environment says; what is wrong there is logged and not taken."""
    bind(_deadline_s(os.environ.get(DEADLINE_S)), _mode(os.environ.get(MODE)), leave_out=True)


def _deadline_s(text: str | None) -> float:
    if not text:
        return _DEFAULT_DEADLINE_S
    try:
        check_bound(float(text), "deadline")
    except (ValueError, FilterError):
        _say(f"{DEADLINE_S} is {text!r}: a number of seconds above 0 would do; using {_DEFAULT_DEADLINE_S}")
        return _DEFAULT_DEADLINE_S
    return float(text)


def _mode(text: str | None) -> Mode:
    if not text or text == "deadline":
        return "deadline"
    if text == "background":
        return "background"
    _say(f"{MODE} is {text!r}: deadline or background would do; using deadline")
    return "deadline"


def _say(sentence: str) -> None:
    print(f"ringtime_filters: environment: {sentence}", file=sys.stderr)


bind_as_told()
