"""What is due is done in order, and what is cancelled is not."""

from functools import partial

from sip.timers import Timers


def test_what_is_due_is_done_soonest_first_as_of_its_own_time() -> None:
    """Also what is due only because of it; those of one time in the order they were set."""
    timers = Timers()
    done: list[tuple[str, float]] = []

    def note(name: str, at_s: float) -> None:
        done.append((name, at_s))

    timers.at(2.0, partial(note, "late"))
    timers.at(1.0, lambda at_s: timers.at(at_s + 0.5, partial(note, "because")))
    timers.at(1.0, partial(note, "same"))
    timers.at(9.0, partial(note, "never"))

    timers.run(5.0)

    assert done == [("same", 1.0), ("because", 1.5), ("late", 2.0)]
    assert timers.next_s == 9.0


def test_what_is_cancelled_is_not_waited_for() -> None:
    """Nor done."""
    timers = Timers()
    done: list[float] = []
    timers.at(1.0, done.append).cancel()
    timers.at(2.0, done.append)

    assert timers.next_s == 2.0
    timers.run(3.0)
    assert done == [2.0]
    assert timers.next_s is None
