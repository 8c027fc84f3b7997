"""INVITEs that came: what each was last told, and how long it is told again (RFC 3261 section 17.2.1)."""

from dataclasses import dataclass

from sip.message import Packet, Peer, Request, response
from sip.repetition import GIVE_UP_S, Repetition, Repetitions
from sip.timers import Action, Timers


@dataclass(slots=True)
class Invitation:
    """One INVITE with its latest response; `tag` is ours in the call that it is about."""

    request: Request
    peer: Peer
    tag: str
    latest: bytes = b""
    is_final: bool = False
    repetition: Repetition | None = None


class Invitations:
    """All that are under way or were a moment ago; what they are told goes into `packets`."""

    def __init__(self, timers: Timers, packets: list[Packet]) -> None:
        self._timers = timers
        self._packets = packets
        self._repetitions = Repetitions(timers, packets)
        self._by_transaction: dict[tuple[object, ...], Invitation] = {}
        self._accepted: dict[tuple[str, str, int], Invitation] = {}  # and not acknowledged yet

    def find(self, request: Request) -> Invitation | None:
        """The one that a CANCEL, an ACK or a second copy belongs to (section 17.2.3)."""
        return self._by_transaction.get(request.transaction)

    def open(self, request: Request, peer: Peer, tag: str) -> Invitation:
        """A new one."""
        invitation = Invitation(request, peer, tag)
        self._by_transaction[request.transaction] = invitation
        return invitation

    def repeat(self, invitation: Invitation, peer: Peer) -> None:
        """It came again: say again what was said last.

        Nothing where that is on its way by itself or was acknowledged (RFC 6026 section 7.1).
        """
        if invitation.latest:
            self._packets.append(Packet(invitation.latest, peer))

    def trying(self, invitation: Invitation) -> None:
        """Say that it has come."""
        invitation.latest = response(invitation.request, 100, "Trying", tag=None)
        self._packets.append(Packet(invitation.latest, invitation.peer))

    def ringing(self, invitation: Invitation, headers: str) -> None:
        """Say that it rings."""
        headers = invitation.request.record_route_lines + headers
        invitation.latest = response(invitation.request, 180, "Ringing", tag=invitation.tag, headers=headers)
        self._packets.append(Packet(invitation.latest, invitation.peer))

    def refuse(
        self, invitation: Invitation, status: int, reason: str, now_s: float, headers: str = ""
    ) -> None:
        """Say no, over UDP until the ACK."""
        data = response(invitation.request, status, reason, tag=invitation.tag, headers=headers)
        invitation.latest = data
        packet = Packet(data, invitation.peer)
        if invitation.peer.connection is None:
            invitation.repetition = self._repetitions.begin(packet, now_s)
        else:
            self._packets.append(packet)
        self._end(invitation, now_s)

    def accept(
        self, invitation: Invitation, now_s: float, *, headers: str, body: bytes, never_acknowledged: Action
    ) -> None:
        """Say yes, over any transport until the ACK (section 13.3.1.4)."""
        request = invitation.request
        headers = request.record_route_lines + headers
        data = response(request, 200, "OK", tag=invitation.tag, headers=headers, body=body)
        invitation.latest = b""
        packet = Packet(data, invitation.peer)
        invitation.repetition = self._repetitions.begin(packet, now_s, never_acknowledged)
        self._accepted[(*request.call, request.cseq)] = invitation
        self._end(invitation, now_s)

    def acknowledge(self, request: Request) -> None:
        """Its ACK has come: of a refusal in its own transaction, of a 200 in one of its own."""
        if (invitation := self.find(request)) is not None and invitation.is_final:
            self._settle(invitation)
        self.acknowledge_accepted(request.call, request.cseq)

    def acknowledge_accepted(self, call: tuple[str, str], cseq: int) -> None:
        """The caller has shown that it knows of the 200 to the INVITE of that number."""
        if (invitation := self._accepted.pop((*call, cseq), None)) is not None:
            self._settle(invitation)

    def _settle(self, invitation: Invitation) -> None:
        invitation.latest = b""
        if invitation.repetition is not None:
            invitation.repetition.stop()
            invitation.repetition = None

    def _end(self, invitation: Invitation, now_s: float) -> None:
        invitation.is_final = True
        self._timers.at(now_s + GIVE_UP_S, lambda _: self._forget(invitation))

    def _forget(self, invitation: Invitation) -> None:
        request = invitation.request
        self._by_transaction.pop(request.transaction, None)
        self._accepted.pop((*request.call, request.cseq), None)
