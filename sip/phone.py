"""The seam between a campaign and what makes its calls: the orders a phone takes and the events it gives.

Every time is a reading of CLOCK_MONOTONIC in seconds, stamped where the thing happened.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from sip.heard import Heard, RtpStats


class Said(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """What one process says to another: a list of its name and its values, in one packet with others."""


@dataclass(frozen=True, slots=True)
class Order:
    """A call to make: its id goes into X-Lk-Test-Id, `from_user` and `number` into From and To.

    It is made from an address of `profile`, the label of its network. Where it is `recorded` its sound is
    remembered, until `Phone.keep` or `Phone.discard` after its end.
    """

    call_id: str
    number: str
    from_user: str
    profile: str
    recorded: bool = False


class InviteSent(Said, frozen=True):
    """The INVITE left; a second one of the same call (digest, retransmission) gives no second event."""

    call_id: str
    at_s: float
    sip_call_id: str


class Trying(Said, frozen=True):
    """A 100 came."""

    call_id: str
    at_s: float


class Ringing(Said, frozen=True):
    """A provisional response other than 100 came (livekit-sip repeats its 180 every second)."""

    call_id: str
    at_s: float
    status: int
    reason: str


class Answered(Said, frozen=True):
    """A 2xx came; the phone acknowledges it by itself."""

    call_id: str
    at_s: float
    status: int
    reason: str
    to_tag: str | None


class Rejected(Said, frozen=True):
    """A final status ended the attempt, or a 2xx could not be taken; `is_local`: our stack made it up."""

    call_id: str
    at_s: float
    status: int
    reason: str
    is_local: bool
    to_tag: str | None


class FirstPacket(Said, frozen=True):
    """The first RTP packet of the call came in."""

    call_id: str
    at_s: float


class FirstAudio(Said, frozen=True):
    """The first audible sound of the far end was heard: energy, not the first packet."""

    call_id: str
    at_s: float


class Response(Said, frozen=True):
    """The far end answered a phrase of ours, `latency_s` after its end: at `at_s` it was audible again."""

    call_id: str
    at_s: float
    latency_s: float


class CancelSent(Said, frozen=True):
    """Our CANCEL left."""

    call_id: str
    at_s: float


class ByeSent(Said, frozen=True):
    """Our BYE left."""

    call_id: str
    at_s: float


class ByeAnswered(Said, frozen=True):
    """The far end answered our BYE."""

    call_id: str
    at_s: float


class FarEndBye(Said, frozen=True):
    """The far end hung up."""

    call_id: str
    at_s: float


class Closed(Said, frozen=True):
    """The phone is done with the call, its line is free.

    `rtp` is None where no media ran, `heard` where nobody listened to it.
    """

    call_id: str
    at_s: float
    rtp: RtpStats | None
    heard: Heard | None = None


class MediaLost(Said, frozen=True):
    """What carried the call's voice failed; the call itself goes on, and nothing of its media is known."""

    call_id: str
    at_s: float
    error: str


class Lost(Said, frozen=True):
    """The phone itself failed the call, for instance because its worker died; nothing more comes."""

    call_id: str
    at_s: float
    error: str


Event = (
    InviteSent
    | Trying
    | Ringing
    | Answered
    | Rejected
    | FirstPacket
    | FirstAudio
    | Response
    | CancelSent
    | ByeSent
    | ByeAnswered
    | FarEndBye
    | Closed
    | MediaLost
    | Lost
)


@dataclass(frozen=True, slots=True)
class ProcessLoad:
    """CPU that one process used since the last look, as a share of one core."""

    name: str
    pid: int
    cpu_share: float


@dataclass(frozen=True, slots=True)
class PhoneHealth:
    """How the phone is: its processes, their loops' largest lateness, how many had to be replaced."""

    processes: tuple[ProcessLoad, ...]
    loop_lag_s: float | None
    restarts: int


class Phone(Protocol):
    """What makes calls."""

    measures_audio: bool

    def dial(self, order: Order) -> bool:
        """Take the order, or return False where no line is free now; never blocks."""

    def cancel(self, call_id: str) -> None:
        """Give the attempt up: CANCEL, or BYE where it was answered meanwhile."""

    def bye(self, call_id: str) -> None:
        """Hang up."""

    def drop(self, call_id: str) -> None:
        """Forget a call whose far end no longer answers; its line is free again soon."""

    def keep(self, call_id: str, path: Path) -> None:
        """Write what a recorded call sounded like, if that is known; never blocks."""

    def discard(self, call_id: str) -> None:
        """Forget what a recorded call sounded like."""

    def events(self) -> list[Event]:
        """What happened since the last look, in the order of each call; never blocks."""

    def wait(self, timeout_s: float) -> None:
        """Return when there may be events, at the latest after `timeout_s`."""

    def health(self) -> PhoneHealth:
        """Its state since the last look; meant to be read once a second."""

    def close(self) -> None:
        """Let every line go; calls that are still up are hung up by force."""
