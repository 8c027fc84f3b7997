"""How a call sounds by its packets: the E-model of ITU-T G.107, for G.711 without echo."""

import numpy as np
import numpy.typing as npt

from analysis.intervals import Values

IE = 0.0
BPL = 4.3  # G.711 without loss concealment (G.113): the worst that a caller's phone can be
BPL_CONCEALED = 25.1
KNOWN_LOSS = 0.02  # G.107 knows of bursts (BurstR > 2) where less than this is lost
KNOWN_RATIO = 2.0
TERMINAL_DELAY_MS = 85.0  # codec, packet and jitter buffer
_R_BEST = 93.2


def mos(
    loss: npt.ArrayLike, network_ms: npt.ArrayLike, *, burst_ratio: npt.ArrayLike = 1.0, bpl: float = BPL
) -> Values:
    """Mean opinion score, 1 to 4.5.

    Args:
        loss: share of packets lost, 0-1, discarded ones included.
        network_ms: one-way network delay.
        burst_ratio: BurstR, mean burst length against that of random loss, 1 when losses are independent.
        bpl: packet-loss robustness of the receiver (G.113).
    """
    r = rating(loss, network_ms, burst_ratio=burst_ratio, bpl=bpl)
    score = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6
    return np.where(r <= 0, 1.0, np.clip(score, 1.0, 4.5))


def rating(
    loss: npt.ArrayLike, network_ms: npt.ArrayLike, *, burst_ratio: npt.ArrayLike = 1.0, bpl: float = BPL
) -> Values:
    """The transmission rating R = 93.2 - Idd - Ie,eff (G.107, 7.1; no echo, no advantage)."""
    percent = 100 * np.asarray(loss, dtype="float64")
    effective = IE + (95 - IE) * percent / (percent / np.asarray(burst_ratio) + bpl)
    rated: Values = _R_BEST - delay_impairment(np.asarray(network_ms) + TERMINAL_DELAY_MS) - effective
    return rated


def delay_impairment(one_way_ms: npt.ArrayLike) -> Values:
    """Idd of the absolute one-way delay Ta (G.107, 7.4.3): none up to 100 ms."""
    x = np.log2(np.maximum(np.asarray(one_way_ms, dtype="float64"), 100.0) / 100.0)
    impairment: Values = 25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
    return impairment


def burst_ratio_of(mean_burst: npt.ArrayLike, loss: npt.ArrayLike) -> Values:
    """BurstR (G.107): the mean burst against that of single losses of the same share, 1 at the least."""
    single = 1 / (1 - np.minimum(np.asarray(loss, dtype="float64"), 0.999))
    ratio: Values = np.maximum(np.asarray(mean_burst, dtype="float64") / single, 1.0)
    return ratio


def is_known(loss: npt.ArrayLike, ratio: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether the model was made for so much loss in such bursts."""
    return (np.asarray(loss) < KNOWN_LOSS) | (np.asarray(ratio) <= KNOWN_RATIO)
