"""Pictures of a search: what they show, in words and in marks."""

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure

from analysis.capacity import capacity_of
from analysis.load_curves import load_axis, load_curves, stages_over_load, steady
from analysis.run import Run
from analysis.search_course import overload_course, search_course

Make = Callable[..., Run]


def test_every_steady_step_is_told_of_in_words(make_capacity_run: Make) -> None:
    """Who cannot see the curves reads load, ring and bad calls of each."""
    run = make_capacity_run()
    capacity = capacity_of(run)
    assert capacity is not None
    exhibit = load_curves(run, capacity)
    assert exhibit is not None
    assert exhibit.alt.count("half rang") == len(steady(capacity))
    again = load_curves(run, capacity)
    assert again is not None
    assert exhibit.svg() == again.svg()


def test_a_search_without_a_steady_step_has_no_curves(make_capacity_run: Make) -> None:
    """Bursts alone are no load that was held."""
    run = make_capacity_run(most_steps=0)
    capacity = capacity_of(run)
    assert capacity is not None
    assert load_curves(run, capacity) is None
    assert stages_over_load(run, capacity) is None
    assert search_course(run, capacity) is None
    assert overload_course(run, capacity) is None


def test_one_look_has_no_curve_over_load(make_capacity_run: Make) -> None:
    """One load is a point; its figures stand in the tables."""
    run = make_capacity_run(smoke=True)
    capacity = capacity_of(run)
    assert capacity is not None
    assert load_curves(run, capacity) is None
    assert stages_over_load(run, capacity) is None
    assert search_course(run, capacity) is None


def test_steps_in_which_the_tester_fell_short_are_left_out(make_capacity_run: Make) -> None:
    """What they show is the tester's."""
    run = make_capacity_run(servers=40, start=1.0, late_by_s=0.2, late_from=2.0, bursts=())
    capacity = capacity_of(run)
    assert capacity is not None
    assert all(step.load < 2.0 for step in steady(capacity))


@pytest.mark.parametrize("loads", [(0.5, 2.0), (0.01, 40.0), (3.0,), (90.0, 400.0)])
def test_an_axis_of_loads_has_ticks_that_can_be_told_apart(loads: tuple[float, ...]) -> None:
    """A few round numbers, whatever the loads are."""
    axes = Figure().add_subplot()
    load_axis(axes, loads)
    low, high = axes.get_xlim()
    ticks = [float(tick) for tick in axes.get_xticks()]
    assert low < min(loads)
    assert max(loads) < high
    assert 1 <= len(ticks) <= 16
