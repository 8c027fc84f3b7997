"""A bound on the initialisation of LiveKit audio filters.

LiveKit's FFI runs a filter's ``audio_filter_on_load`` inside the room connection and waits for it without a
limit. The wrapper in ``bounded.c`` stands in for a filter and bounds that wait; ``reference.c`` is a filter
with the defect, for the lab and the tests.
"""

from ringtime_filters.binding import bound
from ringtime_filters.errors import FilterError
from ringtime_filters.registration import register
from ringtime_filters.wrapping import wrap

__all__ = ["FilterError", "bound", "register", "wrap"]
