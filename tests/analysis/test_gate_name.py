"""A gate's name says arm, metric, percentile, unit and network, and each part is read back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import UnknownGateError
from analysis.gate_name import GateName, read
from analysis.intervals import percentile_bounds
from analysis.metric import METRICS, TAIL, Kind


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("not_answered", "not answered"),
        ("ring_to_answer_p99_s", "ring-to-answer p99"),
        ("unbounded:not_answered", "not answered"),
        ("greeting_p50_s@wifi-congested", "greeting latency p50 under wifi-congested"),
        ("old:wait_p99.5_s@wifi;agent=flap", "caller's wait p99.5 under wifi;agent=flap"),
        ("rtp_jitter_p95_ms", "RTP jitter p95"),
        ("mos_p5", "MOS p5"),
        ("rmst_s", "mean ring within τ"),
    ],
)
def test_a_name_is_read_and_said_in_words(name: str, label: str) -> None:
    """Written again it is the same."""
    assert (str(read(name)), read(name).label) == (name, label)


@pytest.mark.parametrize(
    ("loose", "name"),
    [
        ("Not answered", "not_answered"),
        ("ring-to-answer-p95", "ring_to_answer_p95_s"),
        ("rmst", "rmst_s"),
        (" old : wait p95 s", "old:wait_p95_s"),
        ("mos_p05", "mos_p5"),
    ],
)
def test_names_are_read_as_people_write_them(loose: str, name: str) -> None:
    """Spaces and hyphens stand for underscores, and a unit may be left out."""
    assert str(read(loose)) == name


_words = st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True)
_percents = st.decimals(min_value="0.1", max_value="99.9", places=1).map(float)


@given(
    metric=st.sampled_from(list(METRICS.values())),
    percent=_percents,
    arm=_words | st.none(),
    profile=_words | st.none(),
)
def test_every_name_means_itself(
    metric: object, percent: float, arm: str | None, profile: str | None
) -> None:
    """Whatever is written is read as the same."""
    known = next(each for each in METRICS.values() if each is metric)
    name = GateName(known, percent if known.kind is Kind.PERCENTILE else None, arm, profile)

    assert read(str(name)) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("speed", "There is no gate named 'speed'; there are not_answered, silent, went_silent,"),
        ("", "There is no gate named ''"),
        ("a:b:not_answered", "There is no gate named"),
        ("ring_to_answer_s", "names no percentile: write it as in ring_to_answer_p95_s"),
        ("silent_p95", "names a percentile of what is a share of calls: write silent"),
        ("rmst_p95_s", "names a percentile of what is a mean: write rmst_s"),
        ("mos_p5_s", "has no unit: write mos_p5"),
        ("rtp_jitter_p95_s", "is in ms: write rtp_jitter_p95_ms"),
        ("wait_p0_s", "one lies between p0 and p100"),
    ],
)
def test_what_is_no_gate_is_refused_with_what_is(name: str, said: str) -> None:
    """One sentence with the name and what to write."""
    with pytest.raises(UnknownGateError) as refusal:
        read(name)

    assert said in str(refusal.value)


@given(percent=_percents)
def test_the_calls_that_a_percentile_needs_are_the_fewest_that_bound_it(percent: float) -> None:
    """So many equal values bound it on the side that counts, and one fewer does not."""
    for metric, side in (("wait", 1), ("mos", 0)):
        name = GateName(METRICS[metric], percent)
        needed = name.calls_needed(3.0, 60.0)
        assert needed is not None
        if needed > 2000:
            continue
        enough, short = (
            percentile_bounds(np.ones(calls), percent / 100, TAIL)[side] for calls in (needed, needed - 1)
        )
        assert np.isfinite(enough)
        assert not np.isfinite(short)


def test_shares_and_means_need_calls_by_their_limit() -> None:
    """Two of a hundred take 149, a mean ring of a fifth of τ what a share of a fifth does; none shows 0."""
    assert read("not_answered").calls_needed(0.02, 60.0) == 149
    assert read("rmst_s").calls_needed(12.0, 60.0) == read("silent").calls_needed(0.2, 60.0) == 14
    assert read("not_answered").calls_needed(0.0, 60.0) is None
    assert read("capacity").calls_needed(2.0, 60.0) is None
