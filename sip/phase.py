"""The phases of a call's life, what it asks of its phone, and why its caller gives up."""

import enum


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
