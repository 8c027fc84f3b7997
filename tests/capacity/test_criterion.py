"""What a search gate says, and which calls are bad by it."""

import pytest

from capacity.criterion import DEFAULT, Sight, read

RINGING = Sight(answered=False, over=False, ring_s=1.0, post_dial_delay_s=0.2)
DIALLED = Sight(answered=False, over=False, ring_s=0.0, post_dial_delay_s=None)
LONG = Sight(answered=False, over=False, ring_s=3.1, post_dial_delay_s=0.2)
QUICK = Sight(answered=True, over=False, ring_s=1.0, post_dial_delay_s=0.2)
SLOW = Sight(answered=True, over=True, ring_s=3.1, post_dial_delay_s=1.2)
LEFT = Sight(answered=False, over=True, ring_s=60.0, post_dial_delay_s=0.2)
REFUSED = Sight(answered=False, over=True, ring_s=0.0, post_dial_delay_s=None)


@pytest.mark.parametrize(
    ("spec", "sight", "bad"),
    [
        ("not_answered<=0.05", RINGING, None), ("not_answered<=0.05", LONG, None),
        ("not_answered<=0.05", QUICK, False), ("not_answered<=0.05", SLOW, False),
        ("not_answered<=0.05", LEFT, True), ("not_answered<=0.05", REFUSED, True),
        ("ring_to_answer_p95_s<=3", RINGING, None), ("ring_to_answer_p95_s<=3", LONG, True),
        ("ring_to_answer_p95_s<=3", QUICK, False), ("ring_to_answer_p95_s<=3", SLOW, True),
        ("ring_to_answer_p95_s<=3", LEFT, True), ("ring_to_answer_p95_s<=3", REFUSED, True),
        ("post_dial_delay_p95_s<=1", DIALLED, None), ("post_dial_delay_p95_s<=1", RINGING, False),
        ("post_dial_delay_p95_s<=1", SLOW, True), ("post_dial_delay_p95_s<=1", REFUSED, True),
    ],
)  # fmt: skip
def test_a_call_is_bad_as_soon_as_that_is_known(spec: str, sight: Sight, bad: bool | None) -> None:
    """One that rings too long is late before it ends; one that nobody answers is later than any limit."""
    (criterion,) = read(spec)
    assert criterion.bad(sight) is bad


def test_a_percentile_is_a_share_of_late_calls() -> None:
    """p95 leaves 5 %, p99 leaves 1 %; names are written one way."""
    criteria = read(" not_answered <= .050 , ring_to_answer_p99_s<=3.0,post_dial_delay_p50_s<=0.4")
    assert [one.share for one in criteria] == [0.05, 0.01, 0.5]
    assert [one.name for one in criteria] == [
        "not_answered<=0.05", "ring_to_answer_p99_s<=3", "post_dial_delay_p50_s<=0.4",
    ]  # fmt: skip


def test_the_default_reads_as_it_is_written() -> None:
    """So a run folder says the same."""
    assert ",".join(one.name for one in read(DEFAULT)) == DEFAULT


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "decides nothing"),
        ("not_answered", "is no criterion"),
        ("not_answered>=0.05", "is no criterion"),
        ("not_answered<=-1", "is no criterion"),
        ("not_answered<=nan", "is no criterion"),
        ("not_answered<=0", "no number of calls"),
        ("not_answered<=5", "no number of calls"),
        ("mos_p5<=3", "nothing a step can be judged by"),
        ("ring_to_answer_p95<=3", "nothing a step can be judged by"),
        ("ring_to_answer_p05_s<=3", "p50 to p99"),
        ("ring_to_answer_p00_s<=3", "p50 to p99"),
        ("ring_to_answer_p95_s<=0", "no call is answered in 0 s"),
        ("not_answered<=0.05,not_answered<=0.1", "both limit not_answered"),
    ],
)
def test_a_gate_that_decides_nothing_is_refused_with_what_would_do(spec: str, said: str) -> None:
    """In one sentence."""
    with pytest.raises(ValueError, match=said) as refused:
        read(spec)
    assert "\n" not in str(refused.value)
