"""From status to outcome."""

import pytest

from sip.outcome import Outcome, from_status


@pytest.mark.parametrize(
    ("status", "reason", "rang", "outcome"),
    [
        (480, "", True, Outcome.AGENT_FAILED),
        (486, "Rejected", True, Outcome.AGENT_FAILED),
        (600, "", True, Outcome.AGENT_FAILED),
        (486, "Rejected", False, Outcome.MISCONFIGURED),
        (480, "", False, Outcome.MISCONFIGURED),
        (500, "", True, Outcome.OVERLOADED),
        (503, "Service Unavailable", False, Outcome.OVERLOADED),
        (504, "", False, Outcome.OVERLOADED),
        (503, "Concurrent call quota exceeded", False, Outcome.TRUNK_LIMIT),
        (480, "Call limit reached", True, Outcome.TRUNK_LIMIT),
        (403, "", False, Outcome.TRUNK_LIMIT),
        (429, "", False, Outcome.TRUNK_LIMIT),
        (603, "", True, Outcome.TRUNK_LIMIT),
        *(
            (code, "", False, Outcome.MISCONFIGURED)
            for code in (200, 400, 401, 404, 405, 407, 415, 481, 484, 488, 501)
        ),
        (302, "Moved Temporarily", False, Outcome.REDIRECTED),
        (408, "", True, Outcome.NO_RESPONSE),
        (410, "", True, Outcome.MISCONFIGURED),
        (502, "", True, Outcome.OVERLOADED),
        (604, "", False, Outcome.AGENT_FAILED),
    ],
)
def test_a_status_of_the_far_end_has_one_outcome(
    status: int, reason: str, rang: bool, outcome: Outcome
) -> None:
    """Codes that are not listed follow their class; a quota in the reason is the trunk's limit."""
    assert from_status(status, reason, is_local=False, rang=rang) is outcome


@pytest.mark.parametrize("status", [408, 503, 487, 500])
def test_a_status_that_our_own_stack_made_up_is_no_response(status: int) -> None:
    """A timeout or a transport error is never blamed on the system as a 503."""
    assert from_status(status, "Service Unavailable", is_local=True, rang=True) is Outcome.NO_RESPONSE
