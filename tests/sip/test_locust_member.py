"""What the master knows of a worker."""

from pathlib import Path

import pytest

from sip.copies import Piece
from sip.locust_member import CLOCK_SAMPLES, Member
from tests.sip.shared import a_share


def test_the_quickest_exchange_says_how_far_the_clocks_are_apart() -> None:
    """The error is half its round trip; slower exchanges do not blur it."""
    member = Member("id", a_share())
    member.compare_clocks(100.0, 142.0, 101.0)  # a slow way there
    member.compare_clocks(200.0, 205.001, 200.004)
    for _ in range(CLOCK_SAMPLES - 2):
        assert not member.knows_clock
        member.compare_clocks(300.0, 400.0, 310.0)

    assert member.knows_clock
    assert member.offset == pytest.approx((4.999, 0.002))


def test_a_worker_is_whole_when_all_that_it_wrote_is_here(tmp_path: Path) -> None:
    """What has not come is asked for from there on; a file that is not its own is never written."""
    member = Member("id", a_share(index=2))
    member.set_up(tmp_path)

    assert member.take(Piece("calls-2.jsonl", 3, b"def")) == {"name": "calls-2.jsonl", "offset": 0}
    assert member.take(Piece("calls-2.jsonl", 0, b"abc")) is None
    assert member.take(Piece("../calls-2.jsonl", 0, b"x")) is None
    assert member.take(Piece("calls-1.jsonl", 0, b"x")) is None
    member.done = {"sizes": {"calls-2.jsonl": 6, "health-2.jsonl": 0}}
    assert (member.is_whole, list(member.missing())) == (False, [{"name": "calls-2.jsonl", "offset": 3}])
    assert member.take(Piece("calls-2.jsonl", 3, b"def")) is None
    assert member.is_whole
    member.close()

    assert sorted(file.name for file in tmp_path.iterdir()) == ["calls-2.jsonl", "health-2.jsonl"]
    assert (tmp_path / "calls-2.jsonl").read_bytes() == b"abcdef"


def test_a_worker_that_writes_into_the_masters_folder_is_whole_once_it_says_so(tmp_path: Path) -> None:
    """Nothing is copied over what it writes."""
    member = Member("id", a_share())
    member.set_up(None)
    member.done = {"sizes": {}}

    assert member.is_whole
    assert list(tmp_path.iterdir()) == []
