"""How often a run's own calls, dealt to two equal arms by lot, would have been told apart."""

import numpy as np
import pandas as pd

from analysis.compare import ALPHA, blocks, sign_flip
from analysis.intervals import Estimate, share

_BLOCK = (False, False, True, True)


def told_apart(calls: pd.DataFrame, *, tau_s: float, seed: int, deals: int = 1000) -> Estimate:
    """The share of deals in which the primary test has p < 0.05: more than 6 % would discredit it.

    The calls keep their order, and with it whatever befell neighbours; arms are dealt anew in permuted blocks
    of four. Calls left over at the end are not dealt.

    Args:
        calls: counted calls (`Run.counted`), in order of their due time.
        tau_s: the ring timeout.
        seed: of the deals and flips.
        deals: how many.
    """
    whole = len(calls) // len(_BLOCK)
    waits = np.minimum(calls["ring_to_answer_s"].to_numpy(dtype="float64")[: whole * len(_BLOCK)], tau_s)
    place = np.repeat(np.arange(whole), len(_BLOCK))
    generator = np.random.default_rng(seed)
    shown = 0
    for _ in range(deals if whole else 0):
        candidate = generator.permuted(np.tile(_BLOCK, (whole, 1)), axis=1).ravel()
        found = blocks(place, candidate, waits)
        shown += sign_flip(found.difference * found.weight, seed) < ALPHA
    return share(shown, deals if whole else 0)
