"""Shares of mistreated set-ups are exact, and what makes no sense is refused."""

import itertools
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError
from lab.faults import Fault, FaultKind, choices, parse


@given(share=st.fractions(min_value=0, max_value=1, max_denominator=100), seed=st.integers())
def test_every_block_of_set_ups_holds_exactly_the_share(share: Fraction, seed: int) -> None:
    """In each block of the share's denominator exactly its numerator is mistreated, whatever the seed."""
    drawn = choices(Fault(FaultKind.SILENT, share), random.Random(seed))

    for _ in range(3):
        block = list(itertools.islice(drawn, share.denominator))
        assert block.count(FaultKind.SILENT) == share.numerator


def test_the_order_is_drawn_from_the_seed() -> None:
    """The same seed gives the same order, another seed another one."""
    orders = [
        list(itertools.islice(choices(parse("silent:0.3"), random.Random(seed)), 100)) for seed in (1, 1, 2)
    ]

    assert orders[0] == orders[1] != orders[2]


def test_without_a_fault_no_set_up_is_mistreated() -> None:
    """No fault asked for means none."""
    assert list(itertools.islice(choices(None, random.Random(1)), 20)) == [None] * 20


def test_a_fault_without_a_share_strikes_every_set_up() -> None:
    """`silent` alone is `silent:1`."""
    assert parse("silent") == Fault(FaultKind.SILENT, Fraction(1))


@pytest.mark.parametrize("spec", ["silent:1.5", "silent:-0.1", "silent:x", "silent:1/0", "loud:0.3", ""])
def test_an_impossible_fault_is_refused_with_its_value(spec: str) -> None:
    """The error names the option, the value and what would do."""
    with pytest.raises(LabError, match="--filter-fault") as refusal:
        parse(spec)

    assert repr(spec) in str(refusal.value)
