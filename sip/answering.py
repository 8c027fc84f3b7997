"""The called side of SIP calls as a pure machine: messages and the time in, messages out (RFC 3261)."""

import hashlib
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import NamedTuple

from sip import message, offer, sdp
from sip.challenge import Challenge
from sip.invitation import Invitation, Invitations
from sip.manner import Fate, Fates, Manner
from sip.message import Packet, Peer, Request, Response
from sip.repetition import GIVE_UP_S, Repetition, Repetitions
from sip.seat import Seat, Voices
from sip.servers import Servers
from sip.timers import Timer, Timers

_ALLOW = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
_SDP = "Content-Type: application/sdp\r\n"
_NO_SUCH_CALL = (481, "Call/Transaction Does Not Exist")
_NOT_ACCEPTABLE = (488, "Not Acceptable Here")


class Local(NamedTuple):
    """Our own address, and what connections carry: tcp or tls."""

    host: str
    port: int
    stream: str = "tcp"


class _State(Enum):
    SETTING_UP = auto()
    UP = auto()
    OVER = auto()


@dataclass(slots=True)
class _Call:
    """A caller's call: the INVITE that opened it, and how far it has come."""

    opened_by: Invitation
    cseq: int
    contact: str
    fate: Fate
    state: _State = _State.SETTING_UP
    answered_s: float = 0.0
    seat: Seat | None = None
    turn: Timer | None = None
    ended_by: tuple[object, ...] | None = None


class AnsweringSide:
    """Everybody who calls, and meets the `challenge` if there is one, is answered as `manner` says.

    Each call that is up has a seat of `voices`. `secret` makes tags and nonces hard to guess.
    """

    def __init__(
        self,
        manner: Manner,
        local: Local,
        voices: Voices,
        *,
        secret: bytes,
        challenge: Challenge | None = None,
    ) -> None:
        self.calls_up = 0
        self._manner = manner
        self._local = local
        self._voices = voices
        self._secret = secret
        self._challenge = challenge
        self._packets: list[Packet] = []
        self._fates = Fates(manner)
        self._servers: Servers[_Call] = Servers(manner.at_once)
        self._timers = Timers()
        self._invitations = Invitations(self._timers, self._packets)
        self._repetitions = Repetitions(self._timers, self._packets)
        self._calls: dict[tuple[str, str], _Call] = {}
        self._byes: dict[str, Repetition] = {}

    @property
    def next_s(self) -> float | None:
        """When `run` has something to do, on the clock of the times that it is given."""
        return self._timers.next_s

    def run(self, now_s: float) -> list[Packet]:
        """What is to be sent by now."""
        self._timers.run(now_s)
        return self._taken()

    def receive(self, packet: bytes, peer: Peer, now_s: float) -> list[Packet]:
        """What is to be sent by now, and because of this packet; one that is no SIP is dropped."""
        self._timers.run(now_s)
        received = message.read(packet, peer.host, peer.port)
        if isinstance(received, Response):
            if received.status >= 200 and (bye := self._byes.pop(received.branch, None)):
                bye.stop()
        elif received is not None:
            if peer.connection is None and received.reply_port != peer.port:
                peer = Peer(peer.host, received.reply_port)
            self._requested(received, peer, now_s)
        return self._taken()

    def _taken(self) -> list[Packet]:
        taken = self._packets.copy()
        self._packets.clear()
        return taken

    def _requested(self, request: Request, peer: Peer, now_s: float) -> None:
        if request.method == "ACK":
            self._acknowledged(request)
        elif request.refusal is not None:
            status, reason, header = request.refusal
            self._respond(request, peer, status, reason, header)
        elif request.method == "INVITE":
            self._invited(request, peer, now_s)
        elif request.method == "CANCEL":
            self._cancelled(request, peer, now_s)
        elif request.to_tag is not None and self._dialog(request) is None:
            self._respond(request, peer, *_NO_SUCH_CALL)
        elif request.method == "BYE":
            self._hung_up(request, peer, now_s)
        elif request.method == "OPTIONS":
            self._respond(request, peer, 200, "OK", f"{_ALLOW}Accept: application/sdp\r\n")
        else:
            self._respond(request, peer, 501, "Not Implemented", _ALLOW)

    def _invited(self, request: Request, peer: Peer, now_s: float) -> None:
        if (known := self._invitations.find(request)) is not None:
            self._invitations.repeat(known, peer)
            return
        invitation = self._invitations.open(request, peer, request.to_tag or self._tag(request))
        if request.to_tag is not None:
            self._invited_again(invitation, now_s)
        elif (call := self._calls.get(request.call)) and call.state is not _State.OVER:
            self._invitations.refuse(invitation, 482, "Loop Detected", now_s)  # section 8.2.2.2
        else:
            self._called(invitation, now_s)

    def _called(self, invitation: Invitation, now_s: float) -> None:
        request, manner = invitation.request, self._manner
        self._invitations.trying(invitation)
        if self._challenge and (asked := self._challenge.refusal(request, self._secret)):
            self._invitations.refuse(invitation, asked.status, asked.reason, now_s, asked.header)
            return
        refusal = manner.refusal(calls_up=self.calls_up)
        if refusal is None and not offer.fits(request.body):
            refusal = _NOT_ACCEPTABLE
        if refusal is not None:
            self._invitations.refuse(invitation, *refusal, now_s)
            return
        call = _Call(invitation, request.cseq, request.contact, self._fates.draw())
        self._calls[request.call] = call
        self.calls_up += 1
        if manner.silent:
            return
        self._invitations.ringing(invitation, self._contact(invitation.peer))
        if self._servers.enter(call):
            self._serve(call, now_s)

    def _invited_again(self, invitation: Invitation, now_s: float) -> None:
        """A re-INVITE (section 14.2): the call goes on as it was, whatever it asks for that fits."""
        request = invitation.request
        call = self._dialog(request)
        if call is None or call.state is _State.OVER:
            self._invitations.refuse(invitation, *_NO_SUCH_CALL, now_s)
        elif call.state is _State.SETTING_UP:
            self._invitations.refuse(invitation, 500, "Not Answered Yet", now_s, "Retry-After: 1\r\n")
        elif request.cseq <= call.cseq:
            self._invitations.refuse(invitation, 500, "CSeq Out of Order", now_s)
        else:
            call.cseq = request.cseq
            if not offer.fits(request.body):
                self._invitations.refuse(invitation, *_NOT_ACCEPTABLE, now_s)
            else:
                call.contact = request.contact
                self._accept(invitation, call, now_s)

    def _serve(self, call: _Call, now_s: float) -> None:
        call.turn = self._timers.at(now_s + call.fate.set_up_s, partial(self._set_up, call))

    def _set_up(self, call: _Call, now_s: float) -> None:
        call.turn = None
        if call.fate.busy:
            self._invitations.refuse(call.opened_by, 486, "Busy Here", now_s)
            self._over(call, now_s)
            return
        call.state = _State.UP
        call.answered_s = now_s
        self._leave(call, now_s)
        self._accept(call.opened_by, call, now_s)

    def _accept(self, invitation: Invitation, call: _Call, now_s: float) -> None:
        call.seat = call.seat or self._voices.take()
        body = invitation.request.body
        answer = offer.answer(body, self._local.host, call.seat.port, call.seat.rtcp_port)
        self._invitations.accept(
            invitation,
            now_s,
            headers=self._contact(invitation.peer) + _ALLOW + _SDP,
            body=answer or b"",
            never_acknowledged=partial(self._never_acknowledged, call),
        )
        self._speak(call, body)

    def _acknowledged(self, request: Request) -> None:
        self._invitations.acknowledge(request)
        call = self._dialog(request)
        if call is not None and call.state is _State.UP:  # where the offer was ours, this has the answer
            self._speak(call, request.body)

    def _speak(self, call: _Call, description: bytes) -> None:
        far = sdp.read(description.decode("latin-1"))
        if far is not None and call.seat is not None:
            self._voices.speak(call.seat, far, answered_s=call.answered_s)

    def _cancelled(self, request: Request, peer: Peer, now_s: float) -> None:
        """Section 9.2: without effect once there is a final response."""
        invitation = self._invitations.find(request)
        if invitation is None:
            self._respond(request, peer, *_NO_SUCH_CALL)
            return
        self._packets.append(Packet(message.response(request, 200, "OK", tag=invitation.tag), peer))
        call = self._calls.get(invitation.request.call)
        if not invitation.is_final and call is not None:
            self._terminated(call, now_s)

    def _hung_up(self, request: Request, peer: Peer, now_s: float) -> None:
        call = self._dialog(request)
        if call is None or (call.state is _State.OVER and call.ended_by != request.transaction):
            self._respond(request, peer, *_NO_SUCH_CALL)
            return
        self._respond(request, peer, 200, "OK")
        if call.state is _State.SETTING_UP:  # section 15.1.2: what is pending is answered all the same
            self._terminated(call, now_s)
        elif call.state is _State.UP:
            self._invitations.acknowledge_accepted(request.call, call.cseq)
            self._over(call, now_s)
        call.ended_by = request.transaction

    def _terminated(self, call: _Call, now_s: float) -> None:
        self._invitations.refuse(call.opened_by, 487, "Request Terminated", now_s)
        self._over(call, now_s)

    def _never_acknowledged(self, call: _Call, now_s: float) -> None:
        """The 200 has not come through: the session is ended by a BYE (section 13.3.1.4)."""
        if call.state is not _State.UP:
            return
        invitation = call.opened_by
        transport = "UDP" if invitation.peer.connection is None else self._local.stream.upper()
        branch = f"z9hG4bK{invitation.tag}"
        packet = message.bye(
            invitation.request,
            tag=invitation.tag,
            contact=call.contact,
            via=f"SIP/2.0/{transport} {self._local.host}:{self._local.port};branch={branch};rport",
            cseq=1,
        )
        self._byes[branch] = self._repetitions.begin(
            Packet(packet, invitation.peer), now_s, lambda _: self._byes.pop(branch, None)
        )
        self._over(call, now_s)

    def _over(self, call: _Call, now_s: float) -> None:
        if call.state is _State.SETTING_UP:
            self._leave(call, now_s)
        call.state = _State.OVER
        if call.seat is not None:
            self._voices.give_back(call.seat)
            call.seat = None
        self.calls_up -= 1
        self._timers.at(now_s + GIVE_UP_S, partial(self._forget, call))

    def _forget(self, call: _Call, _: float) -> None:
        key = call.opened_by.request.call
        if self._calls.get(key) is call:
            del self._calls[key]

    def _leave(self, call: _Call, now_s: float) -> None:
        if call.turn is not None:
            call.turn.cancel()
        following = self._servers.leave(call)
        if following is not None:
            self._serve(following, now_s)

    def _dialog(self, request: Request) -> _Call | None:
        call = self._calls.get(request.call)
        return call if call is not None and call.opened_by.tag == request.to_tag else None

    def _respond(self, request: Request, peer: Peer, status: int, reason: str, headers: str = "") -> None:
        """Answer without keeping anything: the same request gets the same again (section 8.2.7)."""
        packet = message.response(request, status, reason, tag=self._tag(request), headers=headers)
        self._packets.append(Packet(packet, peer))

    def _tag(self, request: Request) -> str:
        said = repr((*request.call, request.transaction)).encode("latin-1")
        return hashlib.blake2b(said, digest_size=8, key=self._secret).hexdigest()

    def _contact(self, peer: Peer) -> str:
        transport = "" if peer.connection is None else f";transport={self._local.stream}"
        return f"Contact: <sip:{self._local.host}:{self._local.port}{transport}>\r\n"
