"""Sign flips, intervals and adjustments against enumeration and by simulation."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.compare import Blocks, bootstrap, compare, holm, sign_flip


def _calls(
    generator: np.random.Generator, blocks: int, stalls: dict[str, float], tau_s: float = 60.0
) -> pd.DataFrame:
    rows = []
    for block in range(blocks):
        incident = generator.random() < 0.05
        for arm, chance in stalls.items():
            for _ in range(2):
                lost = generator.random() < chance
                ring = np.inf if lost else 0.4 + generator.random() * 0.2 + (5.0 if incident else 0.0)
                rows.append((arm, block, ring, ring <= tau_s))
    return pd.DataFrame(rows, columns=["arm", "block", "ring_to_answer_s", "answered"])


def test_the_exact_sign_flip_is_the_share_of_all_sign_patterns_as_extreme() -> None:
    """For eight blocks p equals the count over all 256 patterns."""
    terms = np.array([1.5, -0.2, 3.0, 0.7, -1.1, 2.2, 0.4, 0.9])
    sums = [abs(np.dot(signs, terms)) for signs in itertools.product([1, -1], repeat=8)]
    assert sign_flip(terms, 0) == pytest.approx(np.mean(np.array(sums) >= abs(terms.sum()) - 1e-9))


def test_blocks_without_a_difference_change_nothing() -> None:
    """A zero has no sign to flip: p is that of the others, and 1 if there are none."""
    terms = np.array([1.0, 2.0, -0.5, 4.0])
    assert sign_flip(np.concatenate([terms, np.zeros(40)]), 0) == sign_flip(terms, 0)
    assert sign_flip(np.zeros(9), 0) == 1.0


def test_the_exact_sign_flip_is_scipys_permutation_test() -> None:
    """Another implementation gives the same p for twelve blocks."""
    terms = np.random.default_rng(5).standard_normal(12) + 0.5
    theirs = stats.permutation_test((terms,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(terms, 0) == pytest.approx(theirs.pvalue)


def test_drawn_flips_come_as_close_to_the_exact_p_as_their_number_allows() -> None:
    """Of 21 equal blocks with 15 of one sign p is binomial, 0.0784: 10,000 flips err by 0.0027."""
    terms = np.array([1.0] * 15 + [-1.0] * 6)
    assert sign_flip(terms, 3) == pytest.approx(stats.binomtest(15, 21).pvalue, abs=4 * 0.0027)


def test_many_blocks_are_flipped_by_a_seeded_draw_close_to_the_normal_tail() -> None:
    """For 400 blocks of noise the drawn p agrees with the normal approximation, and repeats by its seed."""
    terms = np.random.default_rng(6).standard_normal(400) + 0.08
    z = terms.sum() / np.sqrt((terms**2).sum())
    assert sign_flip(terms, 1) == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.015)
    assert sign_flip(terms, 1) == sign_flip(terms, 1)


def test_equal_arms_are_told_apart_no_more_often_than_they_may_be() -> None:
    """Over 1,000 A/A runs with stalls and shared incidents at most 6 % have a p below 0.05."""
    generator = np.random.default_rng(7)
    shown = 0
    for _ in range(1000):
        incident = np.where(generator.random((14, 1)) < 0.1, 20.0, 0.0)
        waits = np.where(generator.random((14, 4)) < 0.1, 60.0, 0.5 + incident + generator.random((14, 4)))
        shown += sign_flip(waits[:, :2].mean(axis=1) - waits[:, 2:].mean(axis=1), 1) < 0.05
    assert shown / 1000 <= 0.06


def test_a_stall_of_a_third_of_the_calls_is_found_by_thirty_calls_an_arm() -> None:
    """With 30 % stalls in one arm nearly every run of 60 calls shows the difference, the right way round."""
    generator = np.random.default_rng(8)
    found = [
        compare(_calls(generator, 15, {"a": 0.3, "b": 0.0}), "a", ["b"], tau_s=60.0, seed=1)[0]
        for _ in range(40)
    ]
    assert np.mean([comparison.shown for comparison in found]) >= 0.9
    assert all((comparison.delta_rmst_s.value or 0) < 0 for comparison in found)


def test_the_second_difference_is_adjusted_by_the_first() -> None:
    """In the fixed sequence Δ not answered never has a smaller adjusted p than ΔRMST."""
    comparison = compare(
        _calls(np.random.default_rng(9), 30, {"a": 0.2, "b": 0.1}), "a", ["b"], tau_s=60.0, seed=1
    )[0]
    assert comparison.delta_not_answered.p_adjusted is not None
    assert comparison.delta_rmst_s.p_adjusted is not None
    assert comparison.delta_not_answered.p_adjusted >= comparison.delta_rmst_s.p_adjusted


def test_holm_multiplies_the_smallest_most_and_keeps_the_order() -> None:
    """0.01, 0.04, 0.03 become 0.03, 0.06, 0.06, and a missing p stays missing."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([None, 0.02]) == [None, 0.02]


def test_two_clean_arms_have_an_interval_around_no_difference() -> None:
    """Without an unanswered call the interval of the difference is not ±0."""
    comparison = compare(
        _calls(np.random.default_rng(10), 15, {"a": 0.0, "b": 0.0}), "a", ["b"], tau_s=60.0, seed=1
    )[0]
    effect = comparison.delta_not_answered
    assert effect.value == 0
    assert effect.low is not None
    assert effect.high is not None
    assert effect.low < -0.05 < 0.05 < effect.high
    assert not comparison.shown


def test_the_block_bootstrap_agrees_with_students_interval() -> None:
    """For 30 blocks of noise, and no stall to be feared, it is the mean ± 2.05 standard errors."""
    difference = np.random.default_rng(11).standard_normal(30)
    low, high = bootstrap(Blocks(difference, np.ones(30)), 0.0, 1)
    reach = stats.t.ppf(0.975, 29) * difference.std(ddof=1) / np.sqrt(30)
    assert high - low == pytest.approx(2 * reach, rel=0.1)
    assert (high + low) / 2 == pytest.approx(difference.mean(), abs=0.2 * reach)


def test_calls_not_seen_keep_the_bootstrap_from_certainty() -> None:
    """With no call lost in 200 the share's difference is ± what Agresti and Caffo's added calls make it."""
    low, high = bootstrap(Blocks(np.zeros(50), np.ones(50)), 1.0, 1)
    lost = 1 / 102
    reach = 1.96 * np.sqrt(2 * lost * (1 - lost) / 102)
    assert high == pytest.approx(reach, rel=0.1)
    assert low == pytest.approx(-reach, rel=0.1)


def test_fewer_than_six_blocks_can_find_nothing_and_say_so() -> None:
    """With five blocks no sign-flip p reaches 0.05, so there is no smallest detectable difference."""
    comparison = compare(
        _calls(np.random.default_rng(12), 5, {"a": 1.0, "b": 0.0}), "a", ["b"], tau_s=60.0, seed=1
    )[0]
    assert comparison.smallest_detectable.rmst_s is None
    assert not comparison.shown


def test_an_arm_without_calls_is_compared_to_nothing() -> None:
    """No block holds both arms: no effect, no p, no error."""
    comparison = compare(_calls(np.random.default_rng(13), 5, {"a": 0.0}), "a", ["b"], tau_s=60.0, seed=1)[0]
    assert comparison.delta_rmst_s.value is None
    assert comparison.blocks == 0
