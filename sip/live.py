"""What Locust's own tables and charts show of a call, while the run goes on."""

from typing import Any, Protocol

from sip.outcome import Outcome
from sip.record import CallRecord


class Request(Protocol):
    """Locust's event of that name."""

    def fire(self, **what: Any) -> None:
        """Have all listeners know."""


class CallFailed(Exception):  # noqa: N818 - Locust's tables show the name of the class
    """What Locust shows for a call that was not answered: its outcome, one of a small set."""


def show(request: Request, record: CallRecord) -> None:
    """Have Locust's tables and charts show the call, under its arm; warm-up calls are no figures."""
    if record.warm_up:
        return
    answered = record.outcome is Outcome.ANSWERED
    request.fire(
        request_type="ring-to-answer",
        name=record.arm,
        response_time=record.ring_s * 1000,
        response_length=0,
        exception=None if answered else CallFailed(str(record.outcome)),
        context={},
    )
