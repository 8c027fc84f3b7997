"""The plan of a run."""

import collections
import dataclasses
import itertools
import math
import statistics
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import UsageError
from sip.plan import PER_ARM_AND_BLOCK, Arrivals, Dial, Plan

ARMS = ("unbounded", "bounded")


def plan(**changes: object) -> Plan:
    """A plan of 40 calls at 2 a second, with changes."""
    return Plan(**{"calls": 40, "calls_per_second": 2.0, "arms": ARMS, "seed": 7, **changes})  # type: ignore[arg-type]


plans = st.builds(
    Plan,
    calls=st.integers(0, 60),
    calls_per_second=st.floats(0.01, 1000),
    arms=st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")]),
    seed=st.integers(0, 2**32),
    arrivals=st.sampled_from(Arrivals),
    warm_up=st.integers(0, 5),
    profiles=st.sampled_from([("clean",), ("clean", "flap"), ("x", "y", "z")]),
)


@given(plans)
def test_every_call_of_the_plan_is_dialled_once_in_due_order(plan: Plan) -> None:
    """A plan has exactly its measured calls, preceded by exactly its warm-up calls for each arm."""
    dials = list(plan.dials())

    assert [dial.index for dial in dials] == list(range(plan.total))
    assert all(one.due_s <= other.due_s for one, other in itertools.pairwise(dials))
    warm = [dial for dial in dials if dial.warm_up]
    assert dials[: len(warm)] == warm
    assert collections.Counter(dial.arm for dial in warm) == collections.Counter(
        {arm: plan.warm_up for arm in plan.arms if plan.warm_up}
    )
    assert len(dials) - len(warm) == plan.calls


@given(plans, st.integers(1, 5))
def test_the_shares_of_the_workers_sum_to_the_plan(plan: Plan, workers: int) -> None:
    """Split by worker index, the plan loses no dial and doubles none."""
    shares = [dial for index in range(workers) for dial in plan.dials(index, workers)]

    assert sorted(shares, key=lambda dial: dial.index) == list(plan.dials())


@given(plans)
def test_every_full_block_holds_each_arm_twice(plan: Plan) -> None:
    """Arms are assigned by permuted blocks; a block that is cut short is off by one call at the most."""
    blocks = collections.defaultdict(list)
    for dial in plan.dials():
        blocks[dial.block].append(dial)

    assert list(blocks) == list(range(len(blocks)))
    for dials in blocks.values():
        assert len({dial.warm_up for dial in dials}) == 1
        counts = collections.Counter(dict.fromkeys(plan.arms, 0))
        counts.update(dial.arm for dial in dials)
        assert max(counts.values()) <= PER_ARM_AND_BLOCK
        assert max(counts.values()) - min(counts.values()) <= 1


def spread(dials: Iterable[Dial], profiles: tuple[str, ...]) -> int:
    """By how many calls the commonest profile is ahead of the rarest."""
    counts = collections.Counter(dict.fromkeys(profiles, 0))
    counts.update(dial.profile for dial in dials)
    return max(counts.values()) - min(counts.values())


@given(plans)
def test_within_an_arm_no_profile_is_ever_more_than_one_call_ahead(plan: Plan) -> None:
    """However early a run is cut, each arm has met its networks equally often."""
    for arm in plan.arms:
        measured = [dial for dial in plan.dials() if dial.arm == arm and not dial.warm_up]
        for length in range(len(measured) + 1):
            assert spread(measured[:length], plan.profiles) <= 1


@given(plans)
def test_the_warm_up_reaches_as_many_profiles_as_it_can(plan: Plan) -> None:
    """Balanced within each arm, and over all arms together."""
    warm = [dial for dial in plan.dials() if dial.warm_up]

    assert spread(warm, plan.profiles) <= 1
    for arm in plan.arms:
        assert spread((dial for dial in warm if dial.arm == arm), plan.profiles) <= 1


@given(plans)
def test_profiles_move_neither_due_times_nor_arms(plan: Plan) -> None:
    """They have random numbers of their own: a run may be repeated under other networks, call by call."""
    clean = dataclasses.replace(plan, profiles=("clean",))

    assert [dataclasses.replace(dial, profile="clean") for dial in plan.dials()] == list(clean.dials())


def test_profiles_come_in_random_order_in_each_arm_apart_from_the_other() -> None:
    """Of both arms' next two calls each pair of orders comes up, about equally often."""
    dials = list(plan(calls=4 * 600, arms=("a", "b"), profiles=("x", "y")).dials())
    a, b = ([dial.profile for dial in dials if dial.arm == arm] for arm in ("a", "b"))
    orders = collections.Counter(zip(a[::2], b[::2], strict=True))

    assert len(orders) == 4
    assert all(count == pytest.approx(150, abs=55) for count in orders.values())  # five standard deviations


@given(plans)
def test_no_two_calls_of_a_run_share_a_caller(plan: Plan) -> None:
    """The From user is unique in the run and made of digits."""
    users = [dial.from_user for dial in plan.dials()]

    assert len(set(users)) == len(users)
    assert all(user.isdigit() for user in users)


def test_constant_arrivals_are_evenly_spaced() -> None:
    """At 4 calls a second, a call is due each quarter of a second from the start on."""
    dials = plan(calls=5, calls_per_second=4, arrivals=Arrivals.CONSTANT).dials()

    assert [dial.due_s for dial in dials] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    """Over 20,000 gaps mean and standard deviation are both 1/rate, within five standard errors."""
    due = [dial.due_s for dial in plan(calls=20_001, calls_per_second=3.0).dials()]
    gaps = [after - before for before, after in itertools.pairwise(due)]

    assert statistics.mean(gaps) == pytest.approx(1 / 3, abs=5 / 3 / math.sqrt(len(gaps)))
    assert statistics.stdev(gaps) == pytest.approx(1 / 3, rel=0.05)


def test_the_order_within_blocks_is_random_and_balanced() -> None:
    """All six orders of a block of two arms come up, about equally often."""
    orders = collections.Counter(
        "".join(dial.arm for dial in block)
        for _, block in itertools.groupby(
            plan(calls=4 * 1200, arms=("a", "b")).dials(), lambda dial: dial.block
        )
    )

    assert len(orders) == 6
    assert all(count == pytest.approx(200, abs=65) for count in orders.values())  # five standard deviations


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    """The plan is a pure function of its values."""
    assert list(plan().dials()) == list(plan().dials())
    assert list(plan().dials()) != list(plan(seed=8).dials())


def test_the_arms_do_not_move_the_due_times() -> None:
    """Due times and assignments are drawn from streams of their own."""
    assert [dial.due_s for dial in plan().dials()] == [
        dial.due_s for dial in plan(arms=("x", "y", "z")).dials()
    ]


def test_the_duration_cuts_what_is_due_at_or_after_it() -> None:
    """With a duration of 1 s at 4 calls a second four calls are left."""
    cut = plan(calls_per_second=4, arrivals=Arrivals.CONSTANT, duration_s=1.0)

    assert [dial.due_s for dial in cut.dials()] == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"calls": -1}, "--calls"),
        ({"calls_per_second": 0.0}, "--calls-per-second"),
        ({"calls_per_second": math.nan}, "--calls-per-second"),
        ({"warm_up": -1}, "--warm-up"),
        ({"arms": ()}, "--arms"),
        ({"arms": ("a", "a")}, "--arms"),
        ({"duration_s": 0.0}, "--run-time"),
    ],
)
def test_an_impossible_plan_is_refused_with_the_option_it_came_from(
    changes: dict[str, object], option: str
) -> None:
    """The refusal names the option, the value and what would do."""
    with pytest.raises(UsageError, match=option):
        plan(**changes)
