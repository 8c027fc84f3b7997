"""Shares of mistreated set-ups are exact, and what makes no sense is refused."""

import itertools
import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError
from lab.faults import Fault, FaultKind, Portion, choices, parse, require_http

SILENT = Fault(FaultKind.SILENT)


@given(
    hundredths=st.lists(st.integers(0, 100), min_size=1, max_size=5).filter(lambda parts: sum(parts) <= 100),
    seed=st.integers(),
)
def test_every_block_of_set_ups_holds_exactly_the_shares(hundredths: list[int], seed: int) -> None:
    """In each block of the common denominator every fault strikes exactly its share, whatever the seed."""
    kinds = list(FaultKind)[: len(hundredths)]
    shares = [Fraction(part, 100) for part in hundredths]
    drawn = choices(
        [Portion(Fault(kind), share) for kind, share in zip(kinds, shares, strict=True)], random.Random(seed)
    )
    size = math.lcm(*(share.denominator for share in shares))

    for _ in range(3):
        block = list(itertools.islice(drawn, size))
        for kind, share in zip(kinds, shares, strict=True):
            assert block.count(Fault(kind)) == share * size


def test_the_order_is_drawn_from_the_seed() -> None:
    """The same seed gives the same order, another seed another one."""
    orders = [
        list(itertools.islice(choices(parse("silent:0.3"), random.Random(seed)), 100)) for seed in (1, 1, 2)
    ]

    assert orders[0] == orders[1] != orders[2]


def test_without_a_fault_no_set_up_is_mistreated() -> None:
    """No fault asked for means none."""
    assert list(itertools.islice(choices(parse("none"), random.Random(1)), 20)) == [None] * 20


def test_a_fault_that_stands_alone_strikes_every_set_up() -> None:
    """`silent` is `silent:1`."""
    assert parse("silent") == parse("silent:1") == (Portion(SILENT, Fraction(1)),)


def test_several_faults_keep_their_values_and_shares() -> None:
    """One kind may be there twice, with other seconds."""
    assert parse("silent:0.2+latency=2:0.3+latency=0.5:1/4") == (
        Portion(SILENT, Fraction(1, 5)),
        Portion(Fault(FaultKind.LATENCY, 2.0), Fraction(3, 10)),
        Portion(Fault(FaultKind.LATENCY, 0.5), Fraction(1, 4)),
    )


@pytest.mark.parametrize("kind", FaultKind)
def test_a_fault_is_written_as_it_is_asked_for(kind: FaultKind) -> None:
    """What stands in the record can be given to --filter-fault again."""
    fault = Fault(kind, 2.5 if kind.takes_value else 0.0)

    assert parse(str(fault)) == (Portion(fault, Fraction(1)),)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("silent:1.5", "a number from 0 to 1"),
        ("silent:-0.1", "a number from 0 to 1"),
        ("silent:x", "a number from 0 to 1"),
        ("silent:", "a number from 0 to 1"),
        ("silent:nan", "a number from 0 to 1"),
        ("silent:1/0", "a number from 0 to 1"),
        ("silent:0.3333", "come out even only every 10000 set-ups"),
        ("silent:0.6+drip:0.5", "its shares are 1.1 together"),
        ("silent+drip:0.5", "'silent' has no share"),
        ("silent:0.5+", "'' has no share"),
        ("silent=2", "silent takes no value"),
        ("latency", "latency takes a number of seconds"),
        ("latency=:0.5", "latency takes a number of seconds"),
        ("latency=0", "latency takes a number of seconds"),
        ("heal=nan", "heal takes a number of seconds"),
        ("heal=1e9", "heal takes a number of seconds above 0 and up to 3600"),
        ("loud:0.3", "no fault is named 'loud'"),
        ("http-500", "http-503"),
        ("", "no fault is named ''"),
    ],
)
def test_an_impossible_fault_is_refused_with_its_value(spec: str, complaint: str) -> None:
    """The error names the option, the value and what would do."""
    with pytest.raises(LabError) as refusal:
        parse(spec)

    assert f"--filter-fault cannot be {spec!r}: " in str(refusal.value)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize("kind", FaultKind)
def test_what_strikes_below_http_is_refused_where_the_filter_asks_its_server(kind: FaultKind) -> None:
    """The agent's own connection goes to the same address and would be cut too."""
    spec = str(Fault(kind, 1.0))
    if kind.below_http:
        with pytest.raises(LabError, match=rf"'{spec}': {spec} needs an endpoint .* in 'old'"):
            require_http(spec, parse(spec), "old")
    else:
        require_http(spec, parse(spec), "old")
