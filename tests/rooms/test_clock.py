"""Facts about clock offsets."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.clock import Offset, best_offset, observer_offset, offset_from_reading
from rooms.observe import STATUS_PATH, observing

LEG = st.floats(min_value=0, max_value=1)


@given(offset_s=st.floats(min_value=-10, max_value=10), there_s=LEG, back_s=LEG)
def test_the_true_offset_lies_within_the_error(offset_s: float, there_s: float, back_s: float) -> None:
    """However lopsided the way there and back, half the round trip bounds the error."""
    reading = offset_from_reading(100.0, 100.0 + there_s + offset_s, 100.0 + there_s + back_s)

    assert abs(reading.offset_s - offset_s) <= reading.error_s + 1e-9


def test_the_reading_with_the_smallest_error_is_kept() -> None:
    """A slow answer says less than a quick one."""
    assert best_offset([Offset(0.5, 0.2), Offset(0.1, 0.01), Offset(0.3, 0.1)]) == Offset(0.1, 0.01)


def test_no_reading_is_no_offset() -> None:
    """There is no offset to be invented."""
    with pytest.raises(ValueError, match="empty"):
        best_offset([])


def test_an_observer_on_this_host_has_this_hosts_clock(tmp_path: Path) -> None:
    """The offset is zero within its error, and the error is small."""

    async def measure() -> Offset:
        async with observing(tmp_path / "events.jsonl", key="key", secret="s" * 32) as port:
            return await observer_offset(f"http://127.0.0.1:{port}{STATUS_PATH}")

    offset = asyncio.run(measure())

    assert abs(offset.offset_s) <= offset.error_s
    assert offset.error_s < 1
