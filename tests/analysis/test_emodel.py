"""The E-model against the values of its recommendation."""

import numpy as np
import pytest

from analysis.emodel import (
    BPL_CONCEALED,
    TERMINAL_DELAY_MS,
    burst_ratio_of,
    delay_impairment,
    is_known,
    mos,
    rating,
)


def test_mos_falls_with_loss_as_published() -> None:
    """0, 1, 3, 5 and 10 % random loss, without and with concealment."""
    loss = np.array([0.0, 0.01, 0.03, 0.05, 0.10])
    assert mos(loss, 0.0) == pytest.approx([4.41, 3.83, 2.79, 2.17, 1.48], abs=0.006)
    assert mos(loss, 0.0, bpl=BPL_CONCEALED) == pytest.approx([4.41, 4.33, 4.13, 3.92, 3.41], abs=0.006)


def test_delay_impairs_as_published() -> None:
    """Idd at 150, 200, 300, 400 and 500 ms, and none at 100."""
    assert delay_impairment([100.0, 150, 200, 300, 400, 500]) == pytest.approx(
        [0, 0.16, 3.04, 14.8, 24.1, 30.6], abs=0.06
    )
    assert mos(0.0, np.array([250.0, 400.0]) - TERMINAL_DELAY_MS) == pytest.approx([4.18, 3.56], abs=0.006)


def test_bursts_of_loss_hurt_more_than_the_same_loss_at_random() -> None:
    """30 ms with 5 % concealed loss in bursts of 5 is rated 75: MOS 3.82."""
    burst_ratio = burst_ratio_of(5, 0.05)
    assert rating(0.05, 30.0, burst_ratio=burst_ratio, bpl=BPL_CONCEALED) == pytest.approx(75, abs=0.5)
    assert mos(0.05, 30.0, burst_ratio=burst_ratio, bpl=BPL_CONCEALED) == pytest.approx(3.82, abs=0.02)


def test_a_dead_line_is_rated_one() -> None:
    """All packets lost: the lowest score, never less."""
    assert mos(1.0, 2000.0) == 1.0


def test_single_losses_have_a_burst_ratio_of_one_however_many_they_are() -> None:
    """By chance a run of losses has 1 / (1 - loss) packets: that is no burst; with no loss there is none."""
    assert burst_ratio_of([1.0, 1 / 0.9, 5.0], [0.0, 0.1, 0.05]) == pytest.approx([1.0, 1.0, 4.75])
    assert burst_ratio_of(3.0, 1.0) == pytest.approx(1.0)


def test_much_loss_in_bursts_is_beyond_what_the_model_knows() -> None:
    """2 % of loss and a burst ratio above 2 at once; either alone is known."""
    assert list(is_known([0.05, 0.05, 0.01], [4.75, 1.0, 4.75])) == [False, True, True]
