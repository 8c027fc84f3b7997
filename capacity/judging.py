"""The calls of a stretch as its criteria see them: each in the order in which it was due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from capacity.criterion import Criterion, Sight
from capacity.sequential import Trial
from capacity.step import Tally

Look = Callable[[int], Sight | None]


@dataclass(slots=True)
class _Line:
    """The calls that wait to be judged by one criterion; quick answers must not come before slow ones."""

    criterion: Criterion
    taken: int = 0
    n: int = 0
    bad: int = 0


@dataclass(slots=True)
class Judging:
    """What the criteria have made of the calls so far; `trial` is told too, where the stretch has one."""

    criteria: Sequence[Criterion]
    trial: Trial | None = None
    _due: list[int | None] = field(default_factory=list)  # None: says nothing of the system
    _places: dict[int, int] = field(default_factory=dict)
    _lines: list[_Line] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = [_Line(each) for each in self.criteria]

    def add(self, number: int) -> None:
        """The call of that number is the next one that was due."""
        self._places[number] = len(self._due)
        self._due.append(number)

    def leave_out(self, number: int) -> None:
        """The tester itself failed the call."""
        if (place := self._places.get(number)) is not None:
            self._due[place] = None

    def look(self, see: Look) -> None:
        """Take all that is known by now; `see` gives what there is to see of a call."""
        for which, line in enumerate(self._lines):
            while line.taken < len(self._due):
                number = self._due[line.taken]
                if number is not None:
                    sight = see(number)
                    bad = None if sight is None else line.criterion.bad(sight)
                    if bad is None:
                        break
                    if self.trial is not None:
                        self.trial.tell(
                            line.n, [bad if other == which else None for other in range(len(self._lines))]
                        )
                    line.n, line.bad = line.n + 1, line.bad + bad
                line.taken += 1

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """How many calls each criterion has judged, and how many were bad."""
        return tuple(Tally(line.criterion.name, line.n, line.bad) for line in self._lines)

    @property
    def said(self) -> str:
        """The same in words."""
        return ", ".join(f"{line.criterion.name}: {line.bad} of {line.n} calls bad" for line in self._lines)
