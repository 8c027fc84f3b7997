"""The verdict's order of precedence, and sentences that say what was found."""

from collections.abc import Callable

import pytest

from analysis.gates import Gate, Verdict
from analysis.run import Run
from analysis.summary import summarise
from analysis.validity import Check
from analysis.verdict import comparison_sentence, sentence, verdict_of


def _gate(verdict: Verdict, n: int = 30, needed: int | None = 149) -> Gate:
    return Gate(NAME, "bounded", 0.02, 0.0, 0.095, n, needed, verdict)


NAME = "not_answered"
GOOD = Check("calls made in every arm", ok=True, value=30, limit=1, remedy="Call more.")
BAD = Check("dropped dials", ok=False, value=0.1, limit=0.005, remedy="Lower the rate.")


@pytest.mark.parametrize(
    ("gates", "check", "verdict"),
    [
        ([Verdict.PASSED, Verdict.PASSED], GOOD, Verdict.PASSED),
        ([Verdict.PASSED, Verdict.UNDECIDED], GOOD, Verdict.UNDECIDED),
        ([Verdict.UNDECIDED, Verdict.FAILED], GOOD, Verdict.FAILED),
        ([Verdict.FAILED], BAD, Verdict.NOT_VALID),
        ([Verdict.PASSED], BAD, Verdict.NOT_VALID),
        ([], GOOD, Verdict.UNDECIDED),
    ],
)
def test_the_gravest_finding_is_the_verdict(gates: list[Verdict], check: Check, verdict: Verdict) -> None:
    """Not valid before failed before undecided before passed; without a gate nothing passes."""
    assert verdict_of([_gate(each) for each in gates], [check]) == verdict


def test_exit_codes_are_the_documented_ones() -> None:
    """0 passed, 3 failed, 4 not valid, 5 undecided."""
    assert {verdict.value: verdict.exit_code for verdict in Verdict} == {
        "passed": 0, "failed": 3, "undecided": 5, "not_valid": 4,
    }  # fmt: skip


def test_a_sentence_names_the_value_the_bound_and_what_is_allowed() -> None:
    """Undecided names the size that would do, not valid the remedy."""
    assert sentence(Verdict.UNDECIDED, "bounded", [_gate(Verdict.UNDECIDED)], [GOOD], {}) == (
        "Not decided for bounded: 30 calls are too few for not answered; 149 calls in that arm, all "
        "clean, would do."
    )
    assert sentence(Verdict.NOT_VALID, "bounded", [], [BAD], {}) == (
        "Not valid, so it decides nothing: dropped dials: 0.1 (limit 0.005). Lower the rate."
    )
    assert sentence(Verdict.PASSED, "bounded", [_gate(Verdict.PASSED)], [GOOD], {}) == (
        "bounded may be released: the gate is kept "
        "(not answered 0 %, at most 9.5 % with 95 % confidence, ≤ 2 % allowed, n = 30)."
    )


def test_equal_arms_read_no_difference_shown(make_run: Callable[..., Run]) -> None:
    """An A/A run says so, and what it could have found."""
    summary = summarise(make_run(arms=(("a", "bounded"), ("b", "bounded"))))
    said = comparison_sentence(summary.comparisons[0], summary.tau_s)
    assert said.startswith("b against a: no difference shown (this run would have found ")


def test_a_shown_difference_says_how_large_and_how_sure(make_run: Callable[..., Run]) -> None:
    """The demonstration's sentence carries both differences with interval and p."""
    summary = summarise(make_run())
    said = comparison_sentence(summary.comparisons[0], summary.tau_s)
    assert said.startswith("bounded against unbounded: a difference is shown; callers rang ")
    assert "p = 0.0" in said
    assert "30 of 100 calls fewer" in said
