"""From what a call saw to the one outcome that it has."""

import enum
import re

QUOTA = re.compile(r"\b(quota|limit|exceed)", re.IGNORECASE)


class Outcome(enum.StrEnum):
    """What became of a call attempt."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    AGENT_FAILED = "agent_failed"
    OVERLOADED = "overloaded"
    TRUNK_LIMIT = "trunk_limit"
    MISCONFIGURED = "misconfigured"
    REDIRECTED = "redirected"
    NO_RESPONSE = "no_response"
    TESTER_FAILED = "tester_failed"


def from_status(status: int, reason: str, *, is_local: bool, rang: bool) -> Outcome:
    """The outcome of an attempt that a final status ended (RFC 3261 section 21).

    That is one other than 2xx, or a 2xx that we could not take: what it answered was not what was offered.
    `is_local`: the SIP stack made the status up (408 for a timeout, 503 for a transport error), so nobody
    answered. `rang`: an 18x came before it. livekit-sip answers 486 both for a ringing call without an
    agent and for a call that it refuses at once; only the first is the agent's.
    """
    if is_local or status == 408:
        return Outcome.NO_RESPONSE
    if status in (403, 429, 603) or (status >= 400 and QUOTA.search(reason)):
        return Outcome.TRUNK_LIMIT
    if status == 501:
        return Outcome.MISCONFIGURED
    if status in (480, 486, 600) and rang:
        return Outcome.AGENT_FAILED
    match status // 100:
        case 3:
            return Outcome.REDIRECTED
        case 5:
            return Outcome.OVERLOADED
        case 6:
            return Outcome.AGENT_FAILED
        case _:
            return Outcome.MISCONFIGURED
