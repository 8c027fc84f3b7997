"""Packets of a measurement, held against the model."""

from ipaddress import IPv4Address

import pytest

from network import language
from network.ledger import SETTLED_AFTER_S, Course, Ledger, mean_burst, summary
from network.leg import links
from network.profile import Direction, Leg

NEAR = IPv4Address("198.18.64.1").packed
COURSE = Course(Direction.UP, 0, NEAR, (17, b"key"), 200)


def ledger(name: str) -> Ledger:
    """A ledger of packets under that profile."""
    return Ledger(links(Leg.CALLER, [language.load(name)], seed=1))


def test_a_packet_is_settled_when_nothing_more_is_to_be_expected_of_it() -> None:
    """A while after the model's time, wherever it is by then."""
    book = ledger("g114-150")
    book.sent(0, 1.0, COURSE)
    book.arrived(0, 1.1502)
    assert list(book.settle(1.15 + SETTLED_AFTER_S)) == []
    (one,) = book.settle(1.151 + SETTLED_AFTER_S)
    assert one.is_as_asked
    assert one.errors_s == pytest.approx([0.0002])
    assert book.waiting == 0


def test_a_packet_that_comes_after_it_was_settled_is_past_counting() -> None:
    """It was lost when it was looked at."""
    book = ledger("clean")
    book.sent(0, 1.0, COURSE)
    (one,) = book.settle(9.0)
    book.arrived(0, 9.1)
    assert not one.is_as_asked


def test_a_summary_sets_what_came_beside_what_the_model_says() -> None:
    """Ten packets, of which the third and fourth did not come though they should have."""
    book = ledger("clean")
    for number in range(10):
        book.sent(number, number * 0.02, COURSE)
        if number not in (2, 3):
            book.arrived(number, number * 0.02 + 0.001)
    found = summary(list(book.settle(9.0)))
    assert (found["sent"], found["lost"], found["lost_asked"], found["not_as_asked"]) == (10, 2, 0, 2)
    assert (found["burst"], found["burst_asked"]) == (2.0, None)
    assert found["delay_error_ms"] == {"p50": 1.0, "p99": 1.0, "p999": 1.0}


def test_bursts_are_those_of_each_flow() -> None:
    """Two flows that lose by turns do not make one long burst."""
    book = ledger("one-way-audio")
    for number in range(8):
        one_way = Course(Direction.DOWN if number % 2 else Direction.UP, 0, NEAR, (17, b"key"), 200)
        book.sent(number, number * 0.01, one_way)
    passages = list(book.settle(9.0))
    assert mean_burst(passages, asked=True) == 4.0


def test_a_stranger_cannot_be_entered() -> None:
    """The measurement would not know what to expect."""
    with pytest.raises(ValueError, match="no link has the near end"):
        ledger("clean").sent(0, 0.0, Course(Direction.UP, 0, bytes(4), (17, b"key"), 200))
