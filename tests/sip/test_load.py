"""The loop that stays with a load to its end."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sip.errors import LabDownError, PhoneError
from sip.load import drive


@dataclass
class Steps:
    """A load that is over after so many steps, or two after it was cut."""

    left: int
    step_raises: Exception | None = None
    cuts: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether none is left."""
        return self.left <= 0

    def step(self, now_s: float) -> float:
        """Take one."""
        self.left -= 1
        if (error := self.step_raises) is not None:
            self.step_raises = None
            raise error
        return now_s

    def late(self, by_s: float) -> None:
        """It does not matter here."""

    def wait(self, timeout_s: float) -> None:
        """There is always something to do."""

    def cut(self, now_s: float, reason: str) -> None:
        """Come to an end."""
        self.cuts.append(reason)
        self.left = min(self.left, 2)


def quiet() -> None:
    """Nothing is amiss."""


def lab_is_down() -> None:
    """Something that the calls need is gone."""
    raise LabDownError("redis died")


@pytest.mark.parametrize(
    ("cut", "look", "step_raises", "cuts", "error"),
    [
        (lambda: None, quiet, None, [], None),
        (lambda: "interrupted", quiet, None, ["interrupted"], None),
        (lambda: None, lab_is_down, None, ["redis died"], "redis died"),
        (lambda: None, quiet, PhoneError("no phones"), ["no phones"], "no phones"),
    ],
)
def test_a_load_is_cut_once_for_the_first_thing_that_goes_wrong(
    cut: Callable[[], str | None],
    look: Callable[[], None],
    step_raises: Exception | None,
    cuts: list[str],
    error: str | None,
) -> None:
    """And is driven on until it is over."""
    load = Steps(left=50, step_raises=step_raises)

    found = drive(load, cut=cut, look=look)

    assert (load.over, load.cuts) == (True, cuts)
    assert (str(found) if found else None) == error
