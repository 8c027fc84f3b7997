"""The phases of a call's life, how long each may last, what it asks of its phone, why its caller gives up."""

import enum
from dataclasses import dataclass


class Command(enum.StrEnum):
    """What a call asks of its phone."""

    CANCEL = "cancel"
    BYE = "bye"
    DROP = "drop"


class Phase(enum.StrEnum):
    """Where a call is in its life; it only ever moves down this list."""

    ORDERED = "ordered"
    CALLING = "calling"
    RINGING = "ringing"
    CANCELLING = "cancelling"
    UP = "up"
    HANGING_UP = "hanging_up"
    CLOSING = "closing"
    ENDED = "ended"


class GaveUp(enum.StrEnum):
    """Why the caller cancelled."""

    RING_TIMEOUT = "ring timeout"
    SETUP_TIMEOUT = "setup timeout"
    ABORTED = "the run was cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a call waits for what, in seconds.

    The ring timeout counts from the first 18x, the setup timeout from the INVITE (only while no 18x came),
    the hold from the 200. The last four bound what a silent far end or a stuck phone can hold up.
    """

    ring_timeout_s: float = 60.0
    setup_timeout_s: float = 32.0
    hold_s: float = 5.0
    invite_s: float = 5.0
    final_after_cancel_s: float = 5.0
    bye_answer_s: float = 5.0
    close_s: float = 2.0
