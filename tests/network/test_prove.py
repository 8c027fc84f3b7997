"""A proof's checks on packets whose fates are known."""

import pytest

from network import language
from network.ledger import Passage
from network.profile import Direction, Profile
from network.prove import Check, Proof, checks

BURSTY = language.load("burst-loss-5")
NARROW = language.load("uplink-64k")


def passages(*, lost: int, lost_asked: int, late_s: float = 0.0, of: int = 10_000) -> list[Passage]:
    """Packets both ways of which the first so many are lost, in bursts of five with one between."""
    return [
        Passage(
            direction,
            0,
            turn * 0.02,
            () if _is_lost(turn, lost_asked) else (turn * 0.02 + 0.030,),
            [] if _is_lost(turn, lost) else [turn * 0.02 + 0.030 + late_s],
        )
        for direction in Direction
        for turn in range(of)
    ]


def _is_lost(turn: int, lost: int) -> bool:
    return turn % 6 < 5 and turn < lost * 6 / 5


def failed(profile: Profile, found: list[Passage]) -> set[str]:
    """The names of the checks that failed, without the direction."""
    return {check.name.partition(": ")[2] for check in checks(profile, found) if not check.ok}


def test_packets_as_the_model_has_them_prove_the_profile() -> None:
    """500 of 10,000 in bursts of five, each at its time."""
    found = passages(lost=500, lost_asked=500)
    assert failed(BURSTY, found) == set()
    assert Proof(BURSTY, "realtime", found, tuple(checks(BURSTY, found))).ok


def test_a_packet_too_many_lost_in_a_hundred_is_found() -> None:
    """Though the rate is within what chance allows, these are not the packets of the seed."""
    assert failed(BURSTY, passages(lost=600, lost_asked=500)) == {
        "packets that met another fate than the seeded model's"
    }


def test_a_model_that_is_not_the_profile_is_found_by_theory() -> None:
    """Executor and model agree with each other, and with nobody else."""
    assert failed(BURSTY, passages(lost=2000, lost_asked=2000)) == {"packets lost"}


def test_lateness_is_found() -> None:
    """A millisecond passes, five do not."""
    assert failed(BURSTY, passages(lost=500, lost_asked=500, late_s=0.001)) == set()
    assert failed(BURSTY, passages(lost=500, lost_asked=500, late_s=0.005)) == {
        "delay against the model, 95th percentile"
    }


def test_behind_a_full_queue_the_number_lost_counts_not_which() -> None:
    """A moment decides between two packets there."""
    found = passages(lost=500, lost_asked=500)
    kept, lost = (next(each for each in found if bool(each.due_s) is came) for came in (True, False))
    kept.due_s, lost.due_s = lost.due_s, kept.due_s
    many = [*found, *passages(lost=500, lost_asked=0)]
    up = [next(iter(checks(NARROW, each))) for each in (found, many)]
    assert {check.name for check in up} == {"up: packets lost more or less than in the model"}
    assert [check.ok for check in up] == [True, False]


def test_nothing_at_all_proves_nothing() -> None:
    """A measurement without packets fails."""
    assert failed(BURSTY, []) != set()


@pytest.mark.parametrize("ok", [True, False])
def test_a_proof_stands_when_all_its_checks_do(ok: bool) -> None:
    """One failure is enough."""
    found = [Check("a", "1", "1", ok=True), Check("b", "1", "1", ok=ok)]
    assert Proof(BURSTY, "realtime", [], found).ok is ok
