"""What can be wrong with a filter or its bound."""

from __future__ import annotations


class FilterError(Exception):
    """A library that cannot serve as an audio filter, or a bound that is none."""
