"""What callers notice: criteria that a share of the calls may miss, and no more."""

import re
from dataclasses import dataclass
from enum import StrEnum

DEFAULT = "not_answered<=0.05,ring_to_answer_p95_s<=3"


class Metric(StrEnum):
    """What a criterion looks at in a call."""

    NOT_ANSWERED = "not_answered"
    RING_TO_ANSWER = "ring_to_answer"
    POST_DIAL_DELAY = "post_dial_delay"


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of one call so far.

    `ring_s` is how long it rang until it was answered, or has rung by now; `over` says that nothing more
    will come. A call that the tester itself failed is no sight: it says nothing of the system.
    """

    answered: bool
    over: bool
    ring_s: float
    post_dial_delay_s: float | None


@dataclass(frozen=True, slots=True)
class Criterion:
    """At most `share` of the calls are bad: not answered, or later than `limit_s`.

    A percentile is a share too: ring-to-answer p95 ≤ 3 s says that at most 5 % of the calls take longer. A
    call that is not answered is later than any limit.
    """

    name: str
    metric: Metric
    share: float
    limit_s: float | None

    def bad(self, sight: Sight) -> bool | None:
        """Whether the call is bad; None while that is not known yet."""
        if self.limit_s is None:
            return False if sight.answered else _if(sight.over)
        if self.metric is Metric.RING_TO_ANSWER:
            if sight.ring_s > self.limit_s:
                return True
            return False if sight.answered else _if(sight.over)
        if sight.post_dial_delay_s is not None:
            return sight.post_dial_delay_s > self.limit_s
        return _if(sight.over)


def _if(over: bool) -> bool | None:
    return True if over else None


def read(spec: str) -> tuple[Criterion, ...]:
    """The criteria of a search gate, `not_answered<=0.05,ring_to_answer_p95_s<=3`.

    Raises:
        ValueError: a part is no criterion, cannot be shown by any number of calls, or says again, or
            otherwise, what another part says; the message is a sentence.
    """
    criteria = tuple(_one(part.strip()) for part in spec.split(",") if part.strip())
    if not criteria:
        raise ValueError(f"a search gate of no criteria decides nothing: write one such as {DEFAULT}")
    seen: dict[str, Criterion] = {}
    for criterion in criteria:
        metric = criterion.name.partition("<=")[0]
        if metric in seen:
            raise ValueError(
                f"{criterion.name!r} and {seen[metric].name!r} both limit {metric}: keep one of them"
            )
        seen[metric] = criterion
    return criteria


def _one(part: str) -> Criterion:
    found = re.fullmatch(r"(?P<metric>\w+)\s*<=\s*(?P<limit>\d+(\.\d*)?|\.\d+)", part)
    if found is None:
        raise ValueError(f"{part!r} is no criterion: write {_FORMS}, with a number after <=")
    name, limit = found["metric"], float(found["limit"])
    written = f"{name}<={limit:g}"
    if name == Metric.NOT_ANSWERED:
        if not 0 < limit <= _MOST_BAD:
            raise ValueError(
                f"{part!r}: a share of 0 is shown by no number of calls, and one above {_MOST_BAD:g} is no"
                f" limit; write one between, such as 0.05"
            )
        return Criterion(written, Metric.NOT_ANSWERED, limit, None)
    timed = re.fullmatch(r"(?P<metric>ring_to_answer|post_dial_delay)_p(?P<percent>\d\d)_s", name)
    if timed is None:
        raise ValueError(f"{name!r} is nothing a step can be judged by: write {_FORMS}")
    share = round(1 - int(timed["percent"]) / 100, 2)
    if not 0 < share <= _MOST_BAD:
        raise ValueError(f"{part!r}: the percentile is one of p50 to p99, such as p95")
    if limit <= 0:
        raise ValueError(f"{part!r}: no call is answered in 0 s; write the seconds that a caller may wait")
    return Criterion(written, Metric(timed["metric"]), share, limit)


_MOST_BAD = 0.5
_FORMS = "not_answered<=0.05, ring_to_answer_p95_s<=3 or post_dial_delay_p95_s<=1"
