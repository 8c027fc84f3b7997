"""When a step is decided: evidence that grows call by call, and may be looked at after every one.

Two bets are kept on each criterion, by people who stake 1 on the step and all they own on every call. The
first wins while calls are good, and expects to lose if the share of bad ones is at the limit or above; the
second wins on bad calls, and expects to lose if the share is at the limit or below. What each owns is a ratio
of likelihoods, of two alternatives in equal parts against the limit (Wald 1945). Where the hypothesis that it
bets against is true, it owns 1/alpha at any time with a chance of alpha at the most (Ville 1939), however
often one looks and whenever the step ends.
"""

import math
from collections.abc import Iterable, Sequence

from capacity.criterion import Criterion
from capacity.step import Decision, Tally

ALPHA = 0.05  # the chance to pass a load whose share is not below the limit, or to fail one where it is
LEAST_S = 30.0  # a load is held at least so long before it passes: a queue needs time to show

# The alternatives, by what they multiply the odds of the limit with. Found by simulation: fewest calls.
_GOOD = (0.0, 0.2)
_BAD = (3.0, 6.0)


def clean_calls(criteria: Iterable[Criterion], alpha: float = ALPHA) -> int:
    """How many calls in a row, all good, show that every criterion holds (64 at 5 %)."""
    needed = 0
    for criterion in criteria:
        bet = _Bet(criterion.share, _GOOD)
        while bet.worth(needed, 0) < 1 / alpha:
            needed += 1
    return needed


def look_calls(criteria: Iterable[Criterion], alpha: float = ALPHA) -> int:
    """How many calls, all good, pass the one look at a number fixed beforehand (59 at 5 %)."""
    return max(math.ceil(math.log(alpha) / math.log1p(-one.share)) for one in criteria)


def look(criteria: Sequence[Criterion], tallies: Sequence[Tally], alpha: float = ALPHA) -> Decision:
    """What a number of calls fixed beforehand shows, by exact one-sided bounds (Clopper, Pearson 1934).

    It is taken once: bounds looked at again and again pass a system at the limit far too often.
    """
    judged = list(zip(criteria, tallies, strict=True))
    if any(_or_more(one.bad, one.n, criterion.share) <= alpha / len(judged) for criterion, one in judged):
        return Decision.FAILED
    if all(_or_fewer(one.bad, one.n, criterion.share) <= alpha for criterion, one in judged):
        return Decision.PASSED
    return Decision.UNDECIDED


class Trial:
    """The evidence of one step, and the decision once there is one; calls after it change nothing.

    It passes when every criterion is shown to hold, by `least` calls or more, and fails when one is shown to
    be broken; each is wrong with a chance of `alpha` at the most, that of failing shared out among the
    criteria. Without a decision after `most` calls it is undecided.
    """

    def __init__(
        self, criteria: Sequence[Criterion], *, least: int, most: int | None = None, alpha: float = ALPHA
    ) -> None:
        self._ledgers = [_Ledger(criterion) for criterion in criteria]
        self._least, self._most, self._alpha = least, most, alpha
        self._told = 0
        self.decision: Decision | None = None

    def add(self, bads: Sequence[bool | None]) -> None:
        """Take in the next call, in the order in which calls were due: whether it is bad, by criterion."""
        self.tell(self._told, bads)

    def tell(self, place: int, bads: Sequence[bool | None]) -> None:
        """Take in what is known of the call in this place, from 0 in the order in which calls were due.

        What is None is told again later. Each criterion judges calls in that order, up to the first that it
        knows nothing of: those answered quickly do not come first, and no criterion waits for what only
        another one needs.
        """
        self._told = max(self._told, place + 1)
        for ledger, bad in zip(self._ledgers, bads, strict=True):
            if bad is not None:
                ledger.known.setdefault(place, bad)
            while self.decision is None and ledger.judge_next():
                self.decision = self._decided(ledger)

    @property
    def calls(self) -> int:
        """How many calls every criterion has judged."""
        return min(ledger.n for ledger in self._ledgers)

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """What each criterion has judged, up to the decision."""
        return tuple(Tally(one.criterion.name, one.n, one.bad) for one in self._ledgers)

    @property
    def broken(self) -> tuple[str, ...]:
        """The criteria that are shown to be broken."""
        return tuple(one.criterion.name for one in self._ledgers if one.is_broken(self._alpha_failed))

    @property
    def _alpha_failed(self) -> float:
        return self._alpha / len(self._ledgers)

    def _decided(self, changed: "_Ledger") -> Decision | None:
        if changed.last and changed.is_broken(self._alpha_failed):  # a good call breaks nothing
            return Decision.FAILED
        if self.calls >= self._least and all(one.holds(self._alpha) for one in self._ledgers):
            return Decision.PASSED
        if self._most is not None and self.calls >= self._most:
            return Decision.UNDECIDED
        return None


class _Ledger:
    """The calls that one criterion has judged, and what those who bet on them own."""

    def __init__(self, criterion: Criterion) -> None:
        self.criterion = criterion
        self.known: dict[int, bool] = {}
        self.n = self.bad = 0
        self.last = False
        self._on_good, self._on_bad = _Bet(criterion.share, _GOOD), _Bet(criterion.share, _BAD)

    def judge_next(self) -> bool:
        """Judge the next call, unless nothing is known of it."""
        if self.n not in self.known:
            return False
        self.last = self.known.pop(self.n)
        self.bad += self.last
        self.n += 1
        return True

    def holds(self, alpha: float) -> bool:
        return self._on_good.worth(self.n, self.bad) >= 1 / alpha

    def is_broken(self, alpha: float) -> bool:
        return self._on_bad.worth(self.n, self.bad) >= 1 / alpha


class _Bet:
    """What a stake of 1 becomes over calls: the likelihood of alternatives against that of a share."""

    def __init__(self, share: float, odds: Sequence[float]) -> None:
        alternatives = [times * share / (1 + (times - 1) * share) for times in odds]
        self._logs = [
            (math.log(one / share) if one else -math.inf, math.log((1 - one) / (1 - share)))
            for one in alternatives
        ]

    def worth(self, n: int, bad: int) -> float:
        total = 0.0
        for per_bad, per_good in self._logs:
            log = (n - bad) * per_good
            total += math.exp(min(log + bad * per_bad if bad else log, _LARGE))
        return total / len(self._logs)


_LARGE = 700.0  # the exponential of more is no number


def _or_fewer(bad: int, n: int, share: float) -> float:
    """The chance of so many bad calls or fewer among n, each of them bad with the chance `share`."""
    return math.fsum(_exactly(k, n, share) for k in range(bad + 1))


def _or_more(bad: int, n: int, share: float) -> float:
    return math.fsum(_exactly(k, n, share) for k in range(bad, n + 1))


def _exactly(k: int, n: int, share: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(share) + (n - k) * math.log1p(-share))
