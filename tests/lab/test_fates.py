"""Each set-up meets one fate, drawn when it is first heard of."""

import random

import pytest

from lab import fates
from lab.fates import Fate, Fates
from lab.faults import Fault, FaultKind, parse


def of(spec: str) -> Fates:
    """The fates of an arm whose faults are these."""
    chosen = Fates(random.Random(1))
    chosen.switch(parse(spec))
    return chosen


def test_nothing_befalls_a_set_up_before_a_fault_is_asked_for() -> None:
    """An arm begins without faults."""
    assert Fates(random.Random(1)).meet("room") is None


def test_a_set_up_that_asked_beforehand_meets_what_was_drawn_for_its_room() -> None:
    """Each room its own, in whatever order the requests come."""
    chosen = of("silent:0.25+drip:0.25+reset:0.25")
    foretold = {room: chosen.foretell(room) for room in "abcd"}

    assert {room: chosen.meet(room) for room in "dbca"} == foretold
    assert sum(fate is None for fate in foretold.values()) == 1


def test_a_fate_below_http_is_not_met_again_at_the_proxy() -> None:
    """The request goes elsewhere; one of that room that comes all the same is another set-up."""
    chosen = of("blackhole")
    assert chosen.foretell("a") == Fate(Fault(FaultKind.BLACKHOLE))
    chosen.switch(())

    assert chosen.meet("a") is None


def test_a_switch_takes_effect_from_the_next_set_up_on() -> None:
    """One that has asked already keeps what it was told."""
    chosen = of("silent")
    chosen.foretell("a")
    chosen.switch(parse("drip"))

    assert chosen.meet("a") == Fate(Fault(FaultKind.SILENT))
    assert chosen.meet("b") == Fate(Fault(FaultKind.DRIP))


def test_what_heals_is_mistreated_until_then_and_never_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds count from when the fault took effect."""
    now_s = 100.0
    monkeypatch.setattr(fates.time, "monotonic", lambda: now_s)
    chosen = of("heal=30")

    now_s = 129.9
    assert chosen.meet("a") == Fate(Fault(FaultKind.HEAL, 30.0), heals_at_s=130.0)
    now_s = 130.0
    assert chosen.meet("b") is None
