"""Equal arms dealt from a run's own calls."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis.calibration import told_apart
from analysis.run import Run


def test_a_run_full_of_stalls_and_incidents_tells_equal_arms_apart_as_seldom_as_any() -> None:
    """Of 1,000 deals of 60 calls, a quarter stalled and twenty in a row slow, at most 6 % have p < 0.05."""
    generator = np.random.default_rng(1)
    ring_s = np.where(generator.random(60) < 0.25, np.inf, generator.uniform(0.4, 0.9, 60))
    ring_s[20:40] += 9.0
    found = told_apart(pd.DataFrame({"ring_to_answer_s": ring_s}), tau_s=15.0, seed=1, deals=1000)
    assert found.n == 1000
    assert 0.01 <= (found.value or 0.0) <= 0.06


def test_a_run_too_small_for_a_block_calibrates_nothing(make_run: Callable[..., Run]) -> None:
    """Three calls cannot be dealt."""
    run = make_run(calls=3)
    assert told_apart(run.counted(), tau_s=run.tau_s, seed=1).n == 0
